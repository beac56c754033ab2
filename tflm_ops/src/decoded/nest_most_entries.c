#include "decode.h"

/* Refer header file for details. */
uint32_t nest_most_entries(const nest_op* op, int32_t level) {
  const int32_t rings = nest_rings(op);
  const uint8_t* count = op->counts;
  uint32_t most = 0;
  for (int32_t groups = op->balanced ? 1 : op->row_groups; groups > 0;
       --groups) {
    uint32_t entries = 0;
    for (int32_t ring = 0; ring < rings; ++ring, count += op->count_bytes) {
      if (ring <= level) entries += nest_load(count, op->count_bytes);
    }
    if (entries > most) most = entries;
  }
  return most;
}
