#include "vectors.h"

/* Refer header file for details. */
void nest_rows_vectors(const nest_op* op, int32_t level,
                       const nest_layout* layout, const nest_tile* tile,
                       int32_t pixels) {
  const int32_t* folded = nest_folded_row(op, level);
  const uint8_t* stream = (const uint8_t*)op->values;
  for (int32_t group = 0; group < op->row_groups; ++group) {
    const uint32_t entries = nest_count(op, group, level);
    for (int32_t row = 0; row < op->block_rows; ++row) {
      const int32_t channel = group * op->block_rows + row;
      int32_t acc[NEST_TILE];
      for (int32_t t = 0; t < pixels; ++t) acc[t] = folded[channel];
      nest_sum_vectors(op, stream, entries, row, tile->inputs,
                       layout->step_bytes, pixels, acc);
      nest_store_channel(op, level, channel, acc, pixels, tile->output);
    }
    stream += nest_stream_bytes(op, nest_count(op, group, nest_rings(op) - 1));
  }
}
