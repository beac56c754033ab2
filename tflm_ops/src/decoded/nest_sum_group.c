#include <string.h>

#include "decode.h"

/* Where a column of a block lies in its inputs. */
static inline int32_t lane_at(int32_t cols, int32_t c) {
  return cols < 4 ? c : c / 4 * 4 + c % 2 * 2 + c % 4 / 2;
}

/* Refer header file for details. */
void nest_sum_group(const nest_op* op, const nest_group* group,
                    const uint8_t* inputs, int32_t* acc) {
  const int lists = op->encoding == NEST_LISTS;
  const int32_t cols = op->block_cols;
  const int32_t row_step = lists ? op->columns : cols;
  const uint8_t* indices = group->indices;
  const int8_t* values = group->values;
  for (int32_t ring = 0; ring < group->rings; ++ring) {
    const uint8_t* x = inputs;
    if (lists) values = group->values;
    for (uint32_t i = group->counts[ring]; i > 0; --i) {
      const int32_t delta = (int32_t)*indices++;
      x += 2 * cols * delta;
      if (lists) values += cols * delta;
      for (int32_t r = 0; r < op->block_rows; ++r) {
        for (int32_t c = 0; c < cols; ++c) {
          int16_t input;
          memcpy(&input, x + 2 * lane_at(cols, c), 2);
          acc[r] += values[r * row_step + c] * input;
        }
      }
      if (!lists) values += nest_block_size(op);
    }
  }
}
