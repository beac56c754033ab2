/* CMSIS-NN's dense kernels as ops of the bench, to compare with. They read the
 * same packed bytes (encoding dense, one level) and are timed alike: bench_main
 * asks for the scratch memory first, outside of what it times, and there the
 * call is set up, as TFLM does once in Prepare. */
#include "cmsis_nn.h"

#include <arm_nnfunctions.h>

#define MAX_CHANNELS 4096
#define NO_MEMORY_HAS (SIZE_MAX / 2)

/* Of the op that was asked for its scratch memory last. */
static struct {
  cmsis_nn_context context;
  cmsis_nn_conv_params conv;
  cmsis_nn_dw_conv_params depthwise;
  cmsis_nn_fc_params fully_connected;
  cmsis_nn_per_channel_quant_params per_channel;
  cmsis_nn_per_tensor_quant_params per_tensor;
  cmsis_nn_dims input, filter, bias, output;
  int32_t multipliers[MAX_CHANNELS], shifts[MAX_CHANNELS];
} call;

static int is_usable(const nest_op* op) {
  return op->encoding == NEST_DENSE && op->levels == 1 &&
         op->out_c <= MAX_CHANNELS;
}

static void set_up(const nest_op* op) {
  const cmsis_nn_tile stride = {op->stride_w, op->stride_h};
  const cmsis_nn_tile padding = {op->pad_left, op->pad_top};
  const cmsis_nn_tile dilation = {op->dilation_w, op->dilation_h};
  const cmsis_nn_activation activation = {op->act_min, op->act_max};
  const cmsis_nn_dims input = {1, op->in_h, op->in_w, op->in_c};
  const cmsis_nn_dims filter = {op->out_c, op->kernel_h, op->kernel_w,
                                op->in_c};
  const cmsis_nn_dims output = {1, op->out_h, op->out_w, op->out_c};
  const cmsis_nn_dims bias = {1, 1, 1, op->out_c};
  call.input = input;
  call.filter = filter;
  call.output = output;
  call.bias = bias;
  call.conv.input_offset = -op->input_zero_point;
  call.conv.output_offset = op->output_zero_point;
  call.conv.stride = stride;
  call.conv.padding = padding;
  call.conv.dilation = dilation;
  call.conv.activation = activation;
  for (int32_t c = 0; c < op->out_c; ++c) {
    call.multipliers[c] = op->multiplier[c];
    call.shifts[c] = op->shift[c];
  }
  call.per_channel.multiplier = call.multipliers;
  call.per_channel.shift = call.shifts;
}

static nest_status status_of(arm_cmsis_nn_status status) {
  return status == ARM_CMSIS_NN_SUCCESS ? NEST_OK : NEST_ERROR_KIND;
}

size_t cmsis_nn_conv_2d_get_buffer_size(const nest_op* op) {
  if (!is_usable(op)) return NO_MEMORY_HAS;
  set_up(op);
  call.context.size = arm_convolve_wrapper_s8_get_buffer_size(
      &call.conv, &call.input, &call.filter, &call.output);
  return (size_t)call.context.size;
}

nest_status cmsis_nn_conv_2d(const nest_op* op, int32_t level,
                             const int8_t* input, int8_t* output,
                             void* scratch) {
  (void)level;
  call.context.buf = scratch;
  return status_of(arm_convolve_wrapper_s8(
      &call.context, &call.conv, &call.per_channel, &call.input, input,
      &call.filter, op->values, &call.bias, op->bias, &call.output, output));
}

size_t cmsis_nn_depthwise_conv_2d_get_buffer_size(const nest_op* op) {
  if (!is_usable(op)) return NO_MEMORY_HAS;
  set_up(op);
  call.filter.n = 1;
  call.filter.c = op->out_c;
  call.depthwise.input_offset = call.conv.input_offset;
  call.depthwise.output_offset = call.conv.output_offset;
  call.depthwise.ch_mult = op->out_c / op->in_c;
  call.depthwise.stride = call.conv.stride;
  call.depthwise.padding = call.conv.padding;
  call.depthwise.dilation = call.conv.dilation;
  call.depthwise.activation = call.conv.activation;
  call.context.size = arm_depthwise_conv_wrapper_s8_get_buffer_size(
      &call.depthwise, &call.input, &call.filter, &call.output);
  return (size_t)call.context.size;
}

nest_status cmsis_nn_depthwise_conv_2d(const nest_op* op, int32_t level,
                                       const int8_t* input, int8_t* output,
                                       void* scratch) {
  (void)level;
  call.context.buf = scratch;
  return status_of(arm_depthwise_conv_wrapper_s8(
      &call.context, &call.depthwise, &call.per_channel, &call.input, input,
      &call.filter, op->values, &call.bias, op->bias, &call.output, output));
}

/* Requantizes all channels alike, as CMSIS-NN 4.0.0 can do no other. */
size_t cmsis_nn_fully_connected_get_buffer_size(const nest_op* op) {
  if (!is_usable(op)) return NO_MEMORY_HAS;
  set_up(op);
  call.input.n = op->in_w;
  call.input.w = 1;
  call.filter.n = op->in_c;
  call.filter.c = op->out_c;
  call.output.n = op->in_w;
  call.output.w = 1;
  call.fully_connected.input_offset = call.conv.input_offset;
  call.fully_connected.output_offset = call.conv.output_offset;
  call.fully_connected.activation = call.conv.activation;
  call.per_tensor.multiplier = op->multiplier[0];
  call.per_tensor.shift = op->shift[0];
  call.context.size = arm_fully_connected_s8_get_buffer_size(&call.filter);
  return (size_t)call.context.size;
}

nest_status cmsis_nn_fully_connected(const nest_op* op, int32_t level,
                                     const int8_t* input, int8_t* output,
                                     void* scratch) {
  (void)level;
  call.context.buf = scratch;
  return status_of(arm_fully_connected_s8(&call.context, &call.fully_connected,
                                          &call.per_tensor, &call.input, input,
                                          &call.filter, op->values, &call.bias,
                                          op->bias, &call.output, output));
}
