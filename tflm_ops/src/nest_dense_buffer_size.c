#include "dense.h"

/* Refer header file for details. */
size_t nest_dense_buffer_size(const nest_op* op) {
  nest_layout layout = {0, 0, 0, 0, 0, 0};
  nest_find_layout(op, 4, &layout);
  const size_t taps = (size_t)(op->kernel_h * op->kernel_w);
  const size_t inputs = (size_t)layout.rows * (size_t)layout.row_bytes;
  if (nest_is_vector(op)) return inputs;
  return (size_t)op->out_c * sizeof(nest_row) + taps * sizeof(int32_t) +
         inputs + NEST_BAND_SLACK;
}
