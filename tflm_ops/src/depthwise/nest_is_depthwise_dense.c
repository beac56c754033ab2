#include "../dense/dense.h"
#include "../mve/mve_dense.h"
#include "depthwise.h"

/* Refer header file for details. */
int nest_is_depthwise_dense(const nest_op* op, nest_op* dense) {
  if (nest_in_pitch(op) != 1 || op->out_c == 1 || op->columns == 1 ||
      op->columns * op->out_c > NEST_DEPTHWISE_DENSE_WEIGHTS) {
    return 0;
  }
  *dense = *op;
  dense->kind = NEST_CONV_2D;
  dense->dense = NULL;
  return (NEST_MVE_DENSE && nest_is_mve_dense(dense)) ||
         (NEST_DIRECT_DENSE && op->common_shifts &&
          nest_has_dense_patches(dense));
}
