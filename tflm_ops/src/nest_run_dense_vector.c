#include "dense.h"

/* Refer header file for details. */
void nest_run_dense_vector(const nest_op* op, int32_t level,
                           const int8_t* input, int8_t* output, void* scratch) {
  nest_layout layout;
  nest_find_layout(op, 4, &layout);
  nest_expand_pixel(op, &layout, input, (uint8_t*)scratch);
  const int8_t* weights = op->dense;
  /* Four rows at a time; the last few alone, each as four times the same. */
  for (int32_t c = 0; c < op->out_c;) {
    const int32_t rows = op->out_c - c < 4 ? 1 : 4;
    nest_row plans[4];
    int32_t acc[4] = {0, 0, 0, 0};
    nest_plan_channels(op, level, c, rows, plans);
    for (int32_t r = 0; r < rows; ++r) acc[r] = plans[r].bias;
    nest_sum_four_rows(weights, rows == 4 ? op->columns : 0,
                       (const uint8_t*)scratch, op->in_c / 4, acc);
    for (int32_t r = 0; r < rows; ++r, ++c, weights += op->columns) {
      output[c] = nest_requantize_doubled(acc[r], &plans[r]);
    }
  }
  nest_clamp(op, output, (size_t)op->out_c);
}
