#include "direct.h"

/* Shifts that the sums of nest_requantize_doubled stay in range for. */
static int is_common(int32_t shift) { return -23 <= shift && shift <= -1; }

static int plan_row(const nest_op* op, int32_t at, nest_row* row) {
  const int32_t shift = op->shift[at];
  row->bias = 2 * op->bias[at];
  row->multiplier = op->multiplier[at];
  if (!is_common(shift)) {
    row->half = row->shift = 0;
    return 0;
  }
  /* (1 << (-shift - 1)) + (zero point << -shift) */
  row->half = (2 * op->output_zero_point + 1) * (1 << (-shift - 1));
  row->shift = -shift;
  return 1;
}

/* Refer header file for details. */
int nest_plan_rows(const nest_op* op, int32_t level, int32_t first,
                   int32_t groups, const uint8_t** stream, nest_row* rows) {
  const int32_t rings = op->levels;
  const int32_t table = op->level_table[level] * op->out_c;
  const size_t pair_bytes = nest_pair_bytes(op);
  int all_common = 1;
  for (int32_t group = first; group < first + groups; ++group) {
    uint32_t entries = 0, total = 0;
    for (int32_t ring = 0; ring < rings; ++ring) {
      total += nest_count(op, group, ring);
      if (ring == level) entries = total;
    }
    for (int32_t r = 0; r < op->block_rows; ++r, ++rows) {
      const int32_t channel = group * op->block_rows + r;
      rows->stream = *stream;
      rows->entries = (int32_t)entries;
      /* Filling rows are computed as the last channel's and not stored. */
      const int32_t last = op->out_c - 1;
      const int32_t at = table + (channel < op->out_c ? channel : last);
      all_common &= plan_row(op, at, rows);
    }
    *stream += (total + 1) / 2 * pair_bytes;
  }
  return all_common;
}
