#include "cmsis_nn/cmsis_nn.h"
#include "decoded/decode.h"
#include "dense/dense.h"
#include "mve/mve_dense.h"
#include "vectors/vectors.h"
#include "widths/widths.h"

static void run_dense(const nest_op* op, int32_t level, const int8_t* input,
                      int8_t* output, void* scratch) {
  if (NEST_MVE_DENSE && nest_is_mve_dense(op)) {
    nest_run_mve_dense(op, level, input, output, scratch);
  } else if (NEST_DIRECT_DENSE && nest_is_direct_dense(op)) {
    nest_run_dense(op, level, input, output, scratch);
  } else if (!NEST_USE_CMSIS_NN || nest_has_widths(op) ||
             !nest_run_cmsis_nn(op, level, input, output, scratch)) {
    nest_run_tiles(op, level, input, output, (int16_t*)scratch);
  }
}

/* Refer header file for details. */
void nest_run_op(const nest_op* op, int32_t level, const int8_t* input,
                 int8_t* output, void* scratch) {
  if (nest_has_widths(op) && !nest_is_whole(op, level)) {
    nest_op narrow;
    nest_narrow(op, level, &narrow);
    if (nest_active_outputs(op, level) < op->out_c) {
      nest_fill_outputs(op, output);
    }
    run_dense(&narrow, 0, input, output, scratch);
  } else if (nest_runs_dense(op, level)) {
    run_dense(op, level, input, output, scratch);
  } else if (op->encoding == NEST_OFFSETS) {
    nest_run_direct(op, level, input, output, scratch);
  } else if (op->encoding == NEST_VECTORS) {
    nest_run_vectors(op, level, input, output, scratch);
  } else if (NEST_DECODE && nest_is_decoded(op)) {
    nest_run_decoded(op, level, input, output, scratch);
  } else {
    nest_run_tiles(op, level, input, output, (int16_t*)scratch);
  }
}
