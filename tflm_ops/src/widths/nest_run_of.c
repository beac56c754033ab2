#include "widths.h"

/* Refer header file for details. */
nest_run nest_run_of(const nest_op* op, int32_t index) {
  nest_run run = {0, op->in_c};
  if (NEST_WIDTHS && op->narrowed > 0) {
    const int32_t set = index / op->segments;
    const int32_t segment = index - set * op->segments;
    /* The counts of a narrowed op begin with its level's. */
    const int32_t at = op->levels + segment * (op->levels + 1) + 1;
    run.start = set * (nest_in_pitch(op) / op->sets) +
                nest_width_at(op, at - op->narrowed);
    run.count = nest_width_at(op, at);
  }
  return run;
}
