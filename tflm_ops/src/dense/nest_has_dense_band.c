#include "dense.h"

/* Refer header file for details. */
int nest_has_dense_band(const nest_op* op) {
  nest_layout layout;
  return op->in_c % 4 == 0 && op->kernel_h * op->kernel_w <= NEST_MAX_TAPS &&
         nest_find_layout(op, 4, &layout);
}
