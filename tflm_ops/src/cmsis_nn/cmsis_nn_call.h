/* The arguments of CMSIS-NN's functions; only with NEST_USE_CMSIS_NN. */
#ifndef NEST_SRC_CMSIS_NN_CALL_H_
#define NEST_SRC_CMSIS_NN_CALL_H_

#include <arm_nnfunctions.h>

#include "cmsis_nn.h"

/* A fully connected op is a 1x1 convolution over its vectors: CMSIS-NN's own
 * function for it has one scale for all channels. */
typedef struct nest_cmsis_nn {
  cmsis_nn_conv_params conv;
  cmsis_nn_dw_conv_params depthwise;
  cmsis_nn_dims input, filter, bias, output;
} nest_cmsis_nn;

static inline nest_cmsis_nn nest_cmsis_nn_of(const nest_op* op) {
  const cmsis_nn_tile stride = {op->stride_w, op->stride_h};
  const cmsis_nn_tile padding = {op->pad_left, op->pad_top};
  const cmsis_nn_tile dilation = {op->dilation_w, op->dilation_h};
  const cmsis_nn_activation bounds = {op->act_min, op->act_max};
  const int is_depthwise = op->kind == NEST_DEPTHWISE_CONV_2D;
  const nest_cmsis_nn call = {
      {-op->input_zero_point, op->output_zero_point, stride, padding, dilation,
       bounds},
      {-op->input_zero_point, op->output_zero_point, op->out_c / op->in_c,
       stride, padding, dilation, bounds},
      {1, op->in_h, op->in_w, op->in_c},
      {is_depthwise ? 1 : op->out_c, op->kernel_h, op->kernel_w,
       is_depthwise ? op->out_c : op->in_c},
      {1, 1, 1, op->out_c},
      {1, op->out_h, op->out_w, op->out_c}};
  return call;
}

/* Whether the op has dense weights, not for one vector, and usual shifts. */
static inline int nest_is_for_cmsis_nn(const nest_op* op) {
  return nest_has_dense(op) && op->common_shifts &&
         !(op->kind == NEST_FULLY_CONNECTED && op->in_w == 1);
}

#endif /* NEST_SRC_CMSIS_NN_CALL_H_ */
