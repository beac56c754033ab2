#include "mve_dense.h"

/* Refer header file for details. */
size_t nest_mve_dense_buffer_size(const nest_op* op) {
  if (op->kernel_h == 1 && op->kernel_w == 1) return 0;
  const int one = op->out_h == 1 && op->out_w == 1;
  return (size_t)(one ? 1 : NEST_MVE_PIXELS) * (size_t)op->columns;
}
