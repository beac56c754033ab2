#include "cmsis_nn/cmsis_nn.h"
#include "dense/dense.h"
#include "depthwise/depthwise.h"
#include "mve/mve_dense.h"
#include "mve/mve_depthwise.h"
#include "widths/widths.h"

/* Whether nest_depthwise_dense has a kernel: a constant, so that it is not
 * linked where it has none. */
#define HAS_DENSE (NEST_MVE_DENSE || NEST_DIRECT_DENSE)

static int32_t at_most(int32_t value, int32_t limit) {
  return value < limit ? value : limit;
}

static size_t bytes_of(const nest_op* op) {
  nest_op dense;
  if (HAS_DENSE && nest_is_depthwise_dense(op, &dense)) {
    return nest_depthwise_dense_buffer_size(&dense);
  }
  if (NEST_MVE_DEPTHWISE && nest_is_mve_depthwise(op)) {
    return nest_mve_depthwise_buffer_size(op);
  }
  if (NEST_DEPTHWISE_FOURS && nest_is_depthwise_fours(op)) {
    return (size_t)at_most(op->out_c, NEST_MAX_PLANS) * sizeof(nest_row);
  }
  const size_t own =
      (size_t)at_most(op->out_c, NEST_MAX_SUMS) * sizeof(int32_t);
  const size_t cmsis_nn = NEST_USE_CMSIS_NN && !nest_has_widths(op)
                              ? nest_cmsis_nn_buffer_size(op)
                              : 0;
  return own > cmsis_nn ? own : cmsis_nn;
}

static void run(const nest_op* op, int32_t level, const int8_t* input,
                int8_t* output, void* scratch) {
  nest_op dense;
  if (HAS_DENSE && nest_is_depthwise_dense(op, &dense)) {
    nest_depthwise_dense(op, &dense, level, input, output, scratch);
  } else if (NEST_MVE_DEPTHWISE && nest_is_mve_depthwise(op)) {
    nest_run_mve_depthwise(op, level, input, output, scratch);
  } else if (NEST_DEPTHWISE_FOURS && nest_is_depthwise_fours(op)) {
    nest_depthwise_fours(op, level, input, output, scratch);
  } else if (!NEST_USE_CMSIS_NN || nest_has_widths(op) ||
             !nest_run_cmsis_nn(op, level, input, output, scratch)) {
    nest_depthwise_portable(op, level, input, output, (int32_t*)scratch);
  }
}

/* Refer header file for details. */
size_t nest_depthwise_conv_2d_get_buffer_size(const nest_op* op) {
  return nest_has_widths(op) ? nest_most_of_levels(op, bytes_of) : bytes_of(op);
}

/* Refer header file for details. */
nest_status nest_depthwise_conv_2d(const nest_op* op, int32_t level,
                                   const int8_t* input, int8_t* output,
                                   void* scratch) {
  if (op->kind != NEST_DEPTHWISE_CONV_2D) return NEST_ERROR_KIND;
  if (level < 0 || level >= op->levels) return NEST_ERROR_LEVEL;
  if (nest_has_widths(op) && !nest_is_whole(op, level)) {
    nest_op narrow;
    nest_narrow(op, level, &narrow);
    nest_fill_outputs(op, output);
    run(&narrow, 0, input, output, scratch);
  } else {
    /* The kernel that goes by folded biases makes inactive channels, whose
     * inputs are the zero point, right by itself; so do plans. */
    run(op, level, input, output, scratch);
  }
  return NEST_OK;
}
