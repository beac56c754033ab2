#include "entries.h"

/* Refer header file for details. */
void nest_sum_any_entries(const nest_op* op, const nest_entries* entries,
                          int32_t tile, int32_t* acc) {
  const int lists = op->encoding == NEST_LISTS;
  const uint8_t* counts = entries->counts;
  const uint8_t* index = entries->indices;
  const int8_t* values = entries->values;
  for (int32_t ring = 0; ring < entries->rings; ++ring) {
    uint32_t left = nest_load(counts, entries->count_bytes);
    counts += entries->count_bytes;
    size_t column = 0;
    for (; left > 0; --left, index += op->index_bytes) {
      column +=
          (size_t)nest_load(index, op->index_bytes) * (size_t)op->block_cols;
      const int8_t* weights = lists ? values + column : values;
      nest_accumulate_row(weights, op->block_cols,
                          entries->patches + column * (size_t)tile, tile, acc);
      if (!lists) values += entries->step;
    }
  }
}
