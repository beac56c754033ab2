#include "mve_dense.h"

/* Refer header file for details. */
int32_t nest_mve_pixels_of(const nest_op* op) {
  if (op->out_h == 1 && op->out_w == 1) return 1;
  if (op->kernel_h == 1 && op->kernel_w == 1) return NEST_MVE_PIXELS;
  const int64_t patches = (int64_t)NEST_MVE_PIXELS * op->columns;
  return patches <= nest_scratch_rows(op) + NEST_PATCHES_SPARE ? NEST_MVE_PIXELS
                                                               : 1;
}
