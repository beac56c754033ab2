#include <string.h>

#include "../internal.h"

/* Adds the biases, stores the outputs of one channel. */
static void finish_channel(const nest_op* op, int32_t level, int32_t channel,
                           int32_t* acc, int32_t pixels, int8_t* output) {
  const int32_t bias = op->bias[op->level_table[level] * op->out_c + channel];
  for (int32_t t = 0; t < pixels; ++t) acc[t] += bias;
  nest_store_channel(op, level, channel, acc, pixels, output);
}

static void multiply_dense(const nest_op* op, int32_t level,
                           const int16_t* patches, int32_t pixels, int32_t tile,
                           int8_t* output) {
  const int8_t* row = op->dense;
  for (int32_t channel = 0; channel < op->out_c; ++channel) {
    int32_t acc[NEST_TILE] = {0, 0, 0, 0};
    nest_accumulate_row(row, op->columns, patches, tile, acc);
    finish_channel(op, level, channel, acc, pixels, output);
    row += op->columns;
  }
}

static void multiply_rings(const nest_op* op, int32_t level,
                           const int16_t* patches, int32_t pixels, int32_t tile,
                           int8_t* output) {
  const int lists = op->encoding == NEST_LISTS;
  const int32_t rings = nest_rings(op);
  nest_ring ring;
  ring.indices = op->indices;
  ring.index_bytes = op->index_bytes;
  ring.values = op->values;
  ring.entry_step = lists ? 0 : nest_block_size(op);
  ring.column_step = lists ? (size_t)op->block_cols : 0;
  ring.row_step = (size_t)(lists ? op->columns : op->block_cols);
  ring.patches = patches;
  for (int32_t group = 0; group < op->row_groups; ++group) {
    int32_t acc[NEST_MAX_BLOCK_ROWS * NEST_TILE];
    memset(acc, 0, sizeof(acc));
    for (int32_t r = 0; r < rings; ++r) {
      ring.entries = nest_count(op, group, r);
      if (r <= level) nest_accumulate_ring(op, &ring, tile, acc);
      ring.indices += (size_t)ring.entries * (size_t)op->index_bytes;
      ring.values += (size_t)ring.entries * ring.entry_step;
    }
    if (lists) ring.values += (size_t)op->block_rows * ring.row_step;
    for (int32_t row = 0; row < op->block_rows; ++row) {
      const int32_t channel = group * op->block_rows + row;
      if (channel >= op->out_c) break;
      finish_channel(op, level, channel, acc + row * tile, pixels, output);
    }
  }
}

void nest_multiply_tile(const nest_op* op, int32_t level,
                        const int16_t* patches, int32_t pixels, int32_t tile,
                        int8_t* output) {
  /* Lists and dense tops name no ring for the densest level: it runs over all
   * values. */
  if (level < nest_rings(op)) {
    multiply_rings(op, level, patches, pixels, tile, output);
  } else {
    multiply_dense(op, level, patches, pixels, tile, output);
  }
}
