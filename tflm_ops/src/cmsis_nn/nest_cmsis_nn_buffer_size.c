#include "cmsis_nn.h"

#if NEST_USE_CMSIS_NN
#include "cmsis_nn_call.h"

/* Refer header file for details. */
size_t nest_cmsis_nn_buffer_size(const nest_op* op) {
  if (!nest_is_for_cmsis_nn(op)) return 0;
  const nest_cmsis_nn call = nest_cmsis_nn_of(op);
  const int32_t bytes =
      op->kind == NEST_DEPTHWISE_CONV_2D
          ? arm_depthwise_conv_wrapper_s8_get_buffer_size(
                &call.depthwise, &call.input, &call.filter, &call.output)
          : arm_convolve_wrapper_s8_get_buffer_size(&call.conv, &call.input,
                                                    &call.filter, &call.output);
  return (size_t)bytes + (size_t)op->out_c * sizeof(int32_t);
}
#else
typedef int nest_cmsis_nn_buffer_size_is_off; /* ISO C wants a declaration */
#endif
