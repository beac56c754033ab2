#include "mve_depthwise.h"

/* Refer header file for details. */
size_t nest_mve_depthwise_buffer_size(const nest_op* op) {
  return 2 * (size_t)op->columns * sizeof(uintptr_t) + (size_t)op->in_c;
}
