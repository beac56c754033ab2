#include "dense.h"

/* Refer header file for details. */
size_t nest_dense_buffer_size(const nest_op* op) {
  nest_layout layout = {0};
  nest_find_layout(op, 4, &layout);
  if (nest_is_vector(op)) return (size_t)layout.row_bytes;
  const size_t taps = (size_t)(op->kernel_h * op->kernel_w);
  return nest_walk_buffer_size(op, &layout) + taps * sizeof(int32_t);
}
