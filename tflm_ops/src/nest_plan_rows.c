#include "direct.h"

/* Refer header file for details. */
void nest_plan_rows(const nest_op* op, int32_t level, int32_t first,
                    int32_t groups, const uint8_t** stream, nest_row* rows) {
  const size_t pair_bytes = nest_pair_bytes(op);
  const int32_t step = op->balanced ? 0 : 2 * op->levels;
  const uint8_t* counts = op->counts + (size_t)first * (size_t)step;
  const int32_t half_units = 2 * op->output_zero_point + 1;
  const uint8_t* from = *stream;
  size_t at =
      (size_t)(op->level_table[level] * op->out_c + first * op->block_rows);
  for (; groups > 0; --groups, counts += step) {
    const uint32_t entries = nest_load(counts + 2 * level, 2);
    const uint32_t total = nest_load(counts + 2 * (op->levels - 1), 2);
    for (int32_t r = 0; r < op->block_rows; ++r, ++rows, ++at) {
      rows->stream = from;
      rows->entries = (int32_t)entries;
      nest_plan_channel(op, at, half_units, rows);
    }
    from += (total + 1) / 2 * pair_bytes;
  }
  *stream = from;
}
