#include "bits/bits.h"
#include "decoded/decode.h"
#include "run_dense.h"
#include "vectors/vectors.h"
#include "widths/widths.h"

/* Refer header file for details. */
void nest_run_op(const nest_op* op, int32_t level, const int8_t* input,
                 int8_t* output, void* scratch) {
  nest_op view;
  if (nest_has_widths(op) && !nest_is_whole(op, level)) {
    nest_narrow(op, level, &view);
    if (nest_active_outputs(op, level) < op->out_c) {
      nest_fill_outputs(op, output);
    }
    run_dense(&view, 0, input, output, scratch);
  } else if (nest_runs_dense(op, level)) {
    run_dense(op, level, input, output, scratch);
  } else if (op->encoding == NEST_OFFSETS) {
    nest_run_direct(op, level, input, output, scratch);
  } else if (op->encoding == NEST_VECTORS) {
    nest_run_vectors(op, level, input, output, scratch);
  } else if (NEST_DECODE && nest_is_decoded(op)) {
    nest_run_decoded(op, level, input, output, scratch);
  } else if (NEST_BITS && op->encoding == NEST_PLANES) {
    nest_run_bits(op, level, input, output, scratch, &view);
  } else {
    nest_run_tiles(op, level, input, output, (int16_t*)scratch);
  }
}
