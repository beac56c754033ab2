#include "../direct.h"

/* Refer header file for details. */
void nest_plan_channels(const nest_op* op, int32_t level, int32_t first,
                        int32_t channels, nest_row* rows) {
  const size_t at = (size_t)(op->level_table[level] * op->out_c + first);
  const int32_t* bias = op->bias + at;
  const int32_t* multiplier = op->multiplier + at;
  const int8_t* shift = op->shift + at;
  const int32_t half_units = 2 * op->output_zero_point + 1;
  const nest_row* const end = rows + channels;
  for (nest_row* row = rows; row < end; ++row) {
    const int32_t left = *shift++;
    const int common = nest_is_common_shift(left);
    row->bias = 2 * *bias++;
    row->multiplier = *multiplier++;
    /* (1 << (-left - 1)) + (zero point << -left); ~left is -left - 1 */
    row->half = common ? half_units * (1 << ~left) : 0;
    row->shift = common ? -left : 0;
  }
}
