#include "../inputs/expand.h"
#include "../widths/widths.h"
#include "dense.h"

/* All inputs, in fours; the last few, if less, one by one in their order. */
static void expand(const nest_op* op, const int8_t* input, uint8_t* to) {
  const nest_layout layout = {.lanes = 4, .plane_bytes = 8};
  nest_op fours = *op;
  fours.in_c = op->in_c / 4 * 4;
  nest_expand_pixel(&fours, &layout, input, to);
  for (int32_t c = fours.in_c; c < op->in_c; ++c) {
    const int16_t value = (int16_t)(2 * (input[c] - op->input_zero_point));
    memcpy(to + 2 * c, &value, sizeof(value));
  }
}

/* acc[rows] += the products of the inputs after the last four. */
static void sum_rest(const nest_op* op, const int8_t* weights,
                     const uint8_t* inputs, int32_t rows, int32_t* acc) {
  for (int32_t c = op->in_c / 4 * 4; c < op->in_c; ++c) {
    int16_t value;
    memcpy(&value, inputs + 2 * c, sizeof(value));
    for (int32_t r = 0; r < rows; ++r) {
      acc[r] += value * weights[r * nest_row_pitch(op) + c];
    }
  }
}

/* Refer header file for details. */
void nest_run_dense_vector(const nest_op* op, int32_t level,
                           const int8_t* input, int8_t* output, void* scratch) {
  const uint8_t* inputs = (const uint8_t*)scratch;
  expand(op, input, (uint8_t*)scratch);
  const int8_t* weights = op->dense;
  const int32_t active =
      nest_has_widths(op) ? nest_active_outputs(op, level) : op->out_c;
  /* Four rows at a time; the last few alone, each as four times the same. */
  for (int32_t c = 0; c < op->out_c;) {
    const int32_t rows = op->out_c - c < 4 ? 1 : 4;
    nest_row plans[4];
    int32_t acc[4] = {0, 0, 0, 0};
    nest_plan_channels(op, level, c, rows, plans);
    if (NEST_WIDTHS && c + rows > active) {
      nest_skip_inactive(op, level, c, rows, plans);
    }
    for (int32_t r = 0; r < rows; ++r) acc[r] = plans[r].bias;
    const int32_t row_step = rows == 4 ? nest_row_pitch(op) : 0;
    if (nest_runs(op) > 1) {
      nest_run run;
      for (int32_t i = 0; nest_next_fours(op, &i, &run);) {
        nest_sum_four_rows(weights + run.start, row_step,
                           inputs + 2 * run.start, run.count / 4, acc);
      }
    } else if (op->in_c >= 4) {
      nest_sum_four_rows(weights, row_step, inputs, op->in_c / 4, acc);
    }
    if (op->in_c % 4 != 0) sum_rest(op, weights, inputs, rows, acc);
    for (int32_t r = 0; r < rows; ++r, ++c, weights += nest_row_pitch(op)) {
      output[c] = nest_requantize_doubled(acc[r], &plans[r]);
    }
  }
  nest_clamp(op, output, (size_t)op->out_c);
}
