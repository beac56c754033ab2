#include <string.h>

#include "../direct.h"

static inline int32_t half_at(const uint8_t* from) {
  int16_t value;
  memcpy(&value, from, 2);
  return value;
}

/* Where a block's column lies in its pixel. */
static inline size_t lane_at(size_t cols, size_t col) {
  return cols == 4 ? 2 * (col % 2) + col / 2 : col;
}

/* Refer header file for details. */
void nest_sum_row(const nest_op* op, const nest_row* row, int32_t row_in_group,
                  int32_t tile, const uint8_t* inputs, int32_t* acc) {
  const size_t cols = (size_t)op->block_cols;
  /* Unsigned: pixels that do not count may sum up anything. */
  uint32_t sums[NEST_MAX_TILE];
  for (int32_t t = 0; t < tile; ++t) sums[t] = (uint32_t)row->bias;
  const uint8_t* pair = row->stream;
  for (int32_t i = 0; i < row->entries; ++i) {
    const size_t slot = (size_t)(i % 2);
    const int8_t* values = (const int8_t*)pair;
    const uint8_t* from =
        inputs + nest_load(pair + nest_pair_offset_at(op, slot), 2);
    for (size_t c = 0; c < cols; ++c) {
      const int32_t weight =
          values[nest_pair_value_at(op, slot, (size_t)row_in_group, c)];
      const uint8_t* lane = from + 2 * lane_at(cols, c);
      for (int32_t t = 0; t < tile; ++t) {
        sums[t] += (uint32_t)(weight * half_at(lane + (size_t)t * 2 * cols));
      }
    }
    if (slot == 1) pair += nest_pair_bytes(op);
  }
  for (int32_t t = 0; t < tile; ++t) acc[t] = (int32_t)sums[t];
}
