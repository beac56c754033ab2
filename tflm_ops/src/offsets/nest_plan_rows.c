#include "../direct.h"

/* Refer header file for details. */
void nest_plan_rows(const nest_op* op, int32_t level, int32_t first,
                    int32_t groups, const uint8_t** stream, nest_row* rows) {
  const int32_t in_group = op->block_rows;
  nest_plan_channels(op, level, first * in_group, groups * in_group, rows);
  const size_t pair_bytes = nest_pair_bytes(op);
  const int32_t rings = nest_rings(op);
  const int32_t step = op->balanced ? 0 : 2 * rings;
  const int32_t to_total = 2 * (rings - 1 - level);
  const uint8_t* counts = op->counts + first * step + 2 * level;
  const uint8_t* from = *stream;
  for (; groups > 0; --groups, counts += step) {
    const int32_t entries = (int32_t)nest_load(counts, 2);
    const uint32_t total = nest_load(counts + to_total, 2);
    const nest_row* const end = rows + in_group;
    for (; rows < end; ++rows) {
      rows->stream = from;
      rows->entries = entries;
    }
    from += (total + 1) / 2 * pair_bytes;
  }
  *stream = from;
}
