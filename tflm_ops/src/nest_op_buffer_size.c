#include "dense.h"

/* Refer header file for details. */
size_t nest_op_buffer_size(const nest_op* op) {
  const size_t sparse = nest_has_places(op) ? nest_direct_buffer_size(op) : 0;
  if (nest_has_places(op) && !op->dense_top) return sparse;
  const size_t rest = nest_is_direct_dense(op)
                          ? nest_dense_buffer_size(op)
                          : (size_t)op->columns * NEST_TILE * sizeof(int16_t);
  return sparse > rest ? sparse : rest;
}
