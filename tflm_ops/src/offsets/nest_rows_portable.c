#include "../direct.h"

/* Where pixel t of a tile goes. */
static int32_t place_of(const nest_tile* tile, int32_t step4, int32_t t) {
  return t / 4 * step4 + t / 2 % 2 * tile->step2 + t % 2 * tile->step1;
}

/* Refer header file for details. */
void nest_rows_portable(const nest_op* op, const nest_tile* tile,
                        int32_t pixels, int32_t step4) {
  const nest_row* row = tile->rows;
  int32_t in_group = 0;
  for (int8_t* output = tile->output; output < tile->end; ++output, ++row) {
    int32_t acc[NEST_MAX_TILE];
    nest_sum_row(op, row, in_group, pixels, tile->inputs, acc);
    if (++in_group == op->block_rows) in_group = 0;
    /* From the last to the first: where steps are 0, pixel 0 stays. */
    for (int32_t t = pixels - 1; t >= 0; --t) {
      output[place_of(tile, step4, t)] = nest_requantize_doubled(acc[t], row);
    }
  }
}
