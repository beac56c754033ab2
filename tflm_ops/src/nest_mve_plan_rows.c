#include "mve.h"

#if defined(__ARM_FEATURE_MVE)

/* Refer header file for details. */
void nest_mve_plan_rows(const nest_op* op, int32_t level, int32_t first,
                        int32_t channels, int in_fours, const uint8_t** stream,
                        nest_mve_row* rows) {
  const int32_t rings = nest_rings(op);
  const int32_t step = op->balanced ? 0 : rings;
  const uint16_t* count = (const uint16_t*)op->counts + first * step + level;
  const int32_t to_total = rings - 1 - level;
  const int32_t* folded = nest_folded_row(op, level) + first;
  const int32_t table = op->level_table[level] * op->out_c + first;
  const int32_t* multiplier = op->multiplier + table;
  const int8_t* shift = op->shift + table;
  const uint32_t record_bytes = (uint32_t)nest_record_bytes(op);
  /* Entries of a record: 1 << log. */
  const uint32_t log = op->block_cols == 16 ? 1 : op->block_cols == 4 ? 2 : 3;
  const uint32_t round_up = (1u << log) - 1;
  const uint8_t* from = *stream;
  for (int32_t c = 0; c < channels; ++c, count += step) {
    const int32_t swapped = in_fours && (c % 4 == 1 || c % 4 == 2);
    nest_mve_row* row = &rows[swapped ? c ^ 3 : c];
    row->bias0 = row->bias1 = row->bias2 = row->bias3 = folded[c];
    row->stream = from;
    row->multiplier = multiplier[c];
    row->shift = shift[c];
    row->entries = *count;
    from += ((count[to_total] + round_up) >> log) * record_bytes;
  }
  *stream = from;
}
#else
typedef int nest_mve_plan_rows_is_for_mve; /* ISO C wants a declaration */
#endif
