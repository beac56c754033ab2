#include "mve_dense.h"
#include "mve_depthwise.h"

/* Refer header file for details. */
size_t nest_mve_depthwise_buffer_size(const nest_op* op) {
  const size_t taps = (size_t)op->columns;
  if (op->in_c != op->out_c) {
    return nest_mve_dense_buffer_size(op) + taps * (size_t)op->out_c;
  }
  return 2 * taps * sizeof(uintptr_t) + (size_t)op->in_c;
}
