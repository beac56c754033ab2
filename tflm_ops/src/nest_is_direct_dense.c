#include "dense.h"

/* Refer header file for details. */
int nest_is_direct_dense(const nest_op* op) {
  nest_layout layout;
  return NEST_DIRECT_DENSE && nest_has_dense(op) &&
         op->kind != NEST_DEPTHWISE_CONV_2D && op->common_shifts &&
         op->in_c % 4 == 0 && op->kernel_h * op->kernel_w <= NEST_MAX_TAPS &&
         nest_find_layout(op, 4, &layout);
}
