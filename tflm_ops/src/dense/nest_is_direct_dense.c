#include "dense.h"

/* Refer header file for details. */
int nest_is_direct_dense(const nest_op* op) {
  return NEST_DIRECT_DENSE && nest_has_dense(op) &&
         op->kind != NEST_DEPTHWISE_CONV_2D && op->common_shifts &&
         (nest_is_vector(op) || nest_has_dense_band(op) ||
          nest_has_dense_patches(op));
}
