#include "dense.h"
#include "mve_dense.h"
#include "vectors.h"

/* What the sparse levels of an op with places take. */
static size_t sparse_bytes(const nest_op* op) {
  return op->encoding == NEST_VECTORS ? nest_vectors_buffer_size(op)
                                      : nest_direct_buffer_size(op);
}

/* What the paths of nest_run_op that are not by places take. */
static size_t other_bytes(const nest_op* op) {
  if (NEST_MVE_DENSE && nest_is_mve_dense(op)) {
    return nest_mve_dense_buffer_size(op);
  }
  if (nest_is_direct_dense(op)) return nest_dense_buffer_size(op);
  return nest_tiles_buffer_size(op);
}

/* Refer header file for details. */
size_t nest_op_buffer_size(const nest_op* op) {
  if (!nest_has_places(op)) return other_bytes(op);
  const size_t sparse = sparse_bytes(op);
  if (!op->dense_top) return sparse;
  const size_t dense = other_bytes(op);
  return sparse > dense ? sparse : dense;
}
