#include "../widths/widths.h"
#include "dense.h"

/* Refer header file for details. */
size_t nest_dense_buffer_size(const nest_op* op) {
  if (nest_is_vector(op)) return 2 * (size_t)op->in_c;
  if (!nest_has_dense_band(op)) return nest_dense_patches_buffer_size(op);
  nest_layout layout = {0};
  nest_find_layout(op, 4, &layout);
  const int32_t taps = op->kernel_h * op->kernel_w * nest_runs(op);
  return nest_walk_buffer_size(op, &layout) +
         (size_t)taps * sizeof(nest_dense_tap);
}
