#include "mve_dense.h"

/* Refer header file for details. */
size_t nest_mve_dense_buffer_size(const nest_op* op) {
  if (op->kernel_h == 1 && op->kernel_w == 1) return 0;
  return (size_t)nest_mve_pixels_of(op) * (size_t)op->columns;
}
