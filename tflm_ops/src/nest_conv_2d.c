#include "dense.h"

/* Refer header file for details. */
size_t nest_conv_2d_get_buffer_size(const nest_op* op) {
  if (op->encoding == NEST_OFFSETS) return nest_direct_buffer_size(op);
  if (nest_is_direct_dense(op)) return nest_dense_buffer_size(op);
  return (size_t)op->columns * NEST_TILE * sizeof(int16_t);
}

/* Refer header file for details. */
nest_status nest_conv_2d(const nest_op* op, int32_t level, const int8_t* input,
                         int8_t* output, void* scratch) {
  if (op->kind != NEST_CONV_2D) return NEST_ERROR_KIND;
  if (level < 0 || level >= op->levels) return NEST_ERROR_LEVEL;
  if (op->encoding == NEST_OFFSETS) {
    nest_run_direct(op, level, input, output, scratch);
  } else if (nest_is_direct_dense(op)) {
    nest_run_dense(op, level, input, output, scratch);
  } else {
    nest_run_tiles(op, level, input, output, (int16_t*)scratch);
  }
  return NEST_OK;
}
