#include "direct.h"
#include "nest/requantize.h"

/* Refer header file for details. */
void nest_redo_rows(const nest_op* op, int32_t level, const nest_tile* tile,
                    int32_t first, int32_t pixels) {
  const nest_row* row = tile->rows;
  int32_t at = op->level_table[level] * op->out_c + first;
  int32_t in_group = 0;
  for (int8_t* output = tile->output; output < tile->end;
       ++output, ++row, ++at) {
    const int32_t r = in_group;
    if (++in_group == op->block_rows) in_group = 0;
    if (row->shift != 0) continue;
    int32_t acc[NEST_MAX_TILE];
    nest_sum_row(op, row, r, pixels, tile->inputs, acc);
    for (int32_t t = 0; t < pixels; ++t) {
      output[t * op->out_c] =
          nest_output(acc[t] / 2, op->multiplier[at], op->shift[at],
                      op->output_zero_point, op->act_min, op->act_max);
    }
  }
}
