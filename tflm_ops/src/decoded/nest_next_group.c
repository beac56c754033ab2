#include "decode.h"

static void load_counts(const nest_op* op, nest_group* group) {
  const int32_t rings = nest_rings(op);
  const int32_t width = op->count_bytes;
  const uint8_t* from = group->next_counts;
  uint32_t entries = 0;
  for (int32_t ring = 0; ring < rings; ++ring, from += width) {
    group->counts[ring] = nest_load(from, width);
    entries += group->counts[ring];
    if (ring + 1 == group->rings) group->entries = entries;
  }
  group->all_entries = entries;
  group->next_counts = from;
}

/* Refer header file for details. */
void nest_start_groups(const nest_op* op, int32_t level, nest_group* group) {
  group->indices = op->indices;
  group->values = op->values;
  group->next_counts = op->counts;
  group->rings = level + 1;
  group->all_entries = 0;
}

/* Refer header file for details. */
void nest_next_group(const nest_op* op, nest_group* group) {
  /* Nothing moves at the first group: there are no entries before it. */
  const int first = group->next_counts == op->counts;
  group->indices += group->all_entries * (uint32_t)op->index_bytes;
  if (op->encoding == NEST_BLOCKS) {
    group->values += group->all_entries * nest_block_size(op);
  } else if (!first) {
    group->values += (size_t)op->block_rows * (size_t)op->columns;
  }
  if (first || !op->balanced) load_counts(op, group);
  group->row = 0;
}
