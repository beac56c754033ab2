#include "../internal.h"

/* One axis: each window overlaps the input, which holds for SAME and VALID
 * padding and bounds every position that the kernels compute. */
static int axis_is_valid(int32_t in, int32_t out, int32_t kernel,
                         int32_t stride, int32_t dilation, int32_t pad) {
  if (in < 1 || out < 1 || kernel < 1 || stride < 1 || dilation < 1) return 0;
  const int64_t reach = (int64_t)(kernel - 1) * dilation + 1;
  return reach <= NEST_MAX_DIM && pad < reach &&
         (int64_t)(out - 1) * stride - pad < in;
}

static int tensor_is_valid(int32_t h, int32_t w, int32_t c) {
  /* h * w <= 2^48, so that no product overflows before it is compared. */
  return (int64_t)h * w <= NEST_MAX_TENSOR &&
         (int64_t)h * w * c <= NEST_MAX_TENSOR;
}

nest_status nest_check_geometry(const nest_op* op) {
  if (!axis_is_valid(op->in_h, op->out_h, op->kernel_h, op->stride_h,
                     op->dilation_h, op->pad_top) ||
      !axis_is_valid(op->in_w, op->out_w, op->kernel_w, op->stride_w,
                     op->dilation_w, op->pad_left) ||
      op->in_c < 1 || op->out_c < 1 ||
      !tensor_is_valid(op->in_h, op->in_w, op->in_c) ||
      !tensor_is_valid(op->out_h, op->out_w, op->out_c)) {
    return NEST_ERROR_GEOMETRY;
  }
  int64_t columns = (int64_t)op->kernel_h * op->kernel_w;
  if (op->kind != NEST_DEPTHWISE_CONV_2D) columns *= op->in_c;
  if (columns > NEST_MAX_DIM || columns * op->out_c > NEST_MAX_WEIGHTS) {
    return NEST_ERROR_GEOMETRY;
  }
  if (op->kind == NEST_DEPTHWISE_CONV_2D && op->out_c % op->in_c != 0) {
    return NEST_ERROR_GEOMETRY;
  }
  /* None is 0: all of them are 1 if no other bit is set. */
  const int32_t ones = op->in_h | op->out_h | op->kernel_h | op->kernel_w |
                       op->stride_h | op->stride_w | op->dilation_h |
                       op->dilation_w;
  if (op->kind == NEST_FULLY_CONNECTED &&
      (ones != 1 || op->in_w != op->out_w)) {
    return NEST_ERROR_GEOMETRY;
  }
  return NEST_OK;
}
