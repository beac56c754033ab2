#include "mve_dense.h"

/* Refer header file for details. */
int nest_is_mve_dense(const nest_op* op) {
  return NEST_MVE_DENSE && nest_has_dense(op) && op->folded != NULL &&
         op->kind != NEST_DEPTHWISE_CONV_2D;
}
