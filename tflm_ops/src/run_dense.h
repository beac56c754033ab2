/* The kernel for dense weights, of a conv 2D or fully connected op. Not inline:
 * what includes this has one place for all its calls, or GCC's choice. */
#ifndef NEST_SRC_RUN_DENSE_H_
#define NEST_SRC_RUN_DENSE_H_

#include "cmsis_nn/cmsis_nn.h"
#include "dense/dense.h"
#include "mve/mve_dense.h"

static void run_dense(const nest_op* op, int32_t level, const int8_t* input,
                      int8_t* output, void* scratch) {
  if (NEST_MVE_DENSE && nest_is_mve_dense(op)) {
    nest_run_mve_dense(op, level, input, output, scratch);
  } else if (NEST_DIRECT_DENSE && nest_is_direct_dense(op)) {
    nest_run_dense(op, level, input, output, scratch);
  } else if (!NEST_USE_CMSIS_NN || nest_out_pitch(op) != op->out_c ||
             nest_has_widths(op) ||
             !nest_run_cmsis_nn(op, level, input, output, scratch)) {
    nest_run_tiles(op, level, input, output, (int16_t*)scratch);
  }
}

#endif /* NEST_SRC_RUN_DENSE_H_ */
