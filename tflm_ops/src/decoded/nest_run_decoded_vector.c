#include "decode.h"

#if defined(__ARM_FEATURE_DSP)
/* The same as nest_sum_group. */
static void sum_rows(const nest_op* op, const nest_group* group,
                     nest_sum_kernel kernel, nest_row_rings* rings,
                     int32_t* acc) {
  const int lists = op->encoding == NEST_LISTS;
  const int32_t row_step = lists ? op->columns : op->block_cols;
  rings->indices = group->indices;
  rings->values = group->values;
  rings->counts = group->counts;
  if (lists) rings->row.first = group->values;
  if (op->block_rows == 4 && op->block_cols == 4) {
    rings->more = row_step;
    rings->to = acc;
    nest_sum_four_by_four(rings, lists);
    return;
  }
  for (int32_t r = 0; r < op->block_rows; ++r) {
    rings->more = acc[r];
    acc[r] = kernel(rings);
    rings->values += row_step;
    if (lists) rings->row.first = rings->values;
  }
}
#endif

/* Refer header file for details. */
void nest_run_decoded_vector(const nest_op* op, int32_t level,
                             const int8_t* input, int8_t* output,
                             void* scratch) {
  const uint8_t* inputs = (const uint8_t*)scratch;
  nest_layout layout;
  nest_find_layout(op, op->block_cols < 4 ? op->block_cols : 4, &layout);
  nest_expand_pixel(op, &layout, input, (uint8_t*)scratch);
  nest_group group;
  nest_start_groups(op, level, &group);
#if defined(__ARM_FEATURE_DSP)
  const nest_sum_kernel kernel =
      nest_find_sum_kernel(op->encoding == NEST_LISTS, op->block_cols);
  nest_row_rings rings;
  rings.from.inputs = inputs;
  rings.end = group.counts + group.rings;
  rings.row.step = nest_block_size(op);
#endif
  for (int32_t c = 0; c < op->out_c;) {
    const int32_t left = op->out_c - c;
    const int32_t rows = left < op->block_rows ? left : op->block_rows;
    int32_t acc[NEST_MAX_BLOCK_ROWS] = {0, 0, 0, 0};
    nest_row plans[NEST_MAX_BLOCK_ROWS];
    nest_next_group(op, &group);
    nest_plan_channels(op, level, c, rows, plans);
    /* Sums begin with the bias: nest_open knows that none of these overflows.
     */
    for (int32_t r = 0; r < rows; ++r) acc[r] = plans[r].bias;
#if defined(__ARM_FEATURE_DSP)
    sum_rows(op, &group, kernel, &rings, acc);
#else
    nest_sum_group(op, &group, inputs, acc);
#endif
    for (int32_t r = 0; r < rows; ++r, ++c) {
      output[c] = nest_requantize_doubled(acc[r], &plans[r]);
    }
  }
  nest_clamp(op, output, (size_t)op->out_c);
}
