#include "cmsis_nn.h"

#if NEST_USE_CMSIS_NN
#include "cmsis_nn_call.h"

/* Refer header file for details. */
int nest_run_cmsis_nn(const nest_op* op, int32_t level, const int8_t* input,
                      int8_t* output, void* scratch) {
  if (!nest_is_for_cmsis_nn(op) || !nest_runs_dense(op, level)) return 0;
  const nest_cmsis_nn call = nest_cmsis_nn_of(op);
  const int32_t table = op->level_table[level] * op->out_c;
  int32_t* shifts = (int32_t*)scratch;
  for (int32_t c = 0; c < op->out_c; ++c) shifts[c] = op->shift[table + c];
  const int32_t* bias = op->bias + table;
  /* CMSIS-NN only reads them. */
  const cmsis_nn_per_channel_quant_params scales = {
      (int32_t*)(uintptr_t)(op->multiplier + table), shifts};
  const size_t bytes =
      nest_cmsis_nn_buffer_size(op) - (size_t)op->out_c * sizeof(int32_t);
  const cmsis_nn_context context = {shifts + op->out_c, (int32_t)bytes};
  const arm_cmsis_nn_status status =
      op->kind == NEST_DEPTHWISE_CONV_2D
          ? arm_depthwise_conv_wrapper_s8(
                &context, &call.depthwise, &scales, &call.input, input,
                &call.filter, op->dense, &call.bias, bias, &call.output, output)
          : arm_convolve_wrapper_s8(&context, &call.conv, &scales, &call.input,
                                    input, &call.filter, op->dense, &call.bias,
                                    bias, &call.output, output);
  return status == ARM_CMSIS_NN_SUCCESS;
}
#else
typedef int nest_run_cmsis_nn_is_off; /* ISO C wants a declaration */
#endif
