#include "internal.h"

/* Refer header file for details. */
size_t nest_conv_2d_get_buffer_size(const nest_op* op) {
  return nest_op_buffer_size(op);
}

/* Refer header file for details. */
nest_status nest_conv_2d(const nest_op* op, int32_t level, const int8_t* input,
                         int8_t* output, void* scratch) {
  if (op->kind != NEST_CONV_2D) return NEST_ERROR_KIND;
  if (level < 0 || level >= op->levels) return NEST_ERROR_LEVEL;
  nest_run_op(op, level, input, output, scratch);
  return NEST_OK;
}
