#include "dense.h"
#include "mve_dense.h"

static size_t dense_size(const nest_op* op) {
  if (NEST_MVE_DENSE && nest_is_mve_dense(op)) {
    return nest_mve_dense_buffer_size(op);
  }
  if (nest_is_direct_dense(op)) return nest_dense_buffer_size(op);
  return nest_tiles_buffer_size(op);
}

/* Refer header file for details. */
size_t nest_op_buffer_size(const nest_op* op) {
  const size_t sparse = nest_has_places(op) ? nest_direct_buffer_size(op) : 0;
  if (nest_has_places(op) && !op->dense_top) return sparse;
  const size_t dense = dense_size(op);
  return sparse > dense ? sparse : dense;
}
