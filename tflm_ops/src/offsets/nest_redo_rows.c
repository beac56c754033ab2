#include "../direct.h"

/* Refer header file for details. */
void nest_redo_rows(const nest_op* op, int32_t level, const nest_tile* tile,
                    int32_t first, int32_t pixels, int all) {
  const nest_row* row = tile->rows;
  const int32_t channels = (int32_t)(tile->end - tile->output);
  int8_t* output = tile->output - first;
  for (int32_t c = 0; c < channels; ++c, ++row) {
    if (row->shift != 0 && !all) continue;
    int32_t acc[NEST_MAX_TILE];
    nest_sum_row(op, row, c % op->block_rows, pixels, tile->inputs, acc);
    for (int32_t t = 0; t < pixels; ++t) acc[t] /= 2;
    nest_store_channel(op, level, first + c, acc, pixels, output);
  }
}
