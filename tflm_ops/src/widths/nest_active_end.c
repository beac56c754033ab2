#include "widths.h"

/* Refer header file for details. */
int32_t nest_active_end(const nest_op* op, int32_t level) {
  if (op->segments == 0) return nest_in_pitch(op);
  if (op->segments * op->sets == 1) { /* the usual one */
    return nest_width_at(op, op->levels) +
           nest_width_at(op, op->levels + 1 + level);
  }
  int32_t end = 0;
  int32_t at = op->levels; /* of a segment's start */
  for (int32_t s = 0; s < op->segments; ++s, at += op->levels + 1) {
    const int32_t count = nest_width_at(op, at + 1 + level);
    if (count > 0) end = nest_width_at(op, at) + count;
  }
  return nest_in_pitch(op) - nest_in_pitch(op) / op->sets + end;
}
