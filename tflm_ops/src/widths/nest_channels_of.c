#include "../dense/dense.h"
#include "../depthwise/depthwise.h"
#include "../mve/mve_depthwise.h"
#include "widths.h"

#define NEAR_RUNS 32 /* channels between two, in the mean */
#define NEAR_TAPS 8  /* between the taps of a kernel */

/* Up to a multiple of `step` that there is. */
static int32_t round_up(int32_t count, int32_t step, int32_t limit) {
  const int32_t more = (count + step - 1) / step * step;
  return more < limit ? more : limit;
}

static nest_channels depthwise_channels(const nest_op* op, int32_t outputs) {
  /* Fewer channels than a kernel takes at a time cost as much, or more. */
  const int sixteens = NEST_MVE_DEPTHWISE && nest_is_mve_depthwise(op);
  const int fours = NEST_DEPTHWISE_FOURS && nest_is_depthwise_fours(op);
  const int32_t step = sixteens ? 16 : fours ? 4 : 1;
  nest_channels found = {0, round_up(outputs, step, op->out_c), 0};
  found.in_c = found.out_c / (op->out_c / op->in_c);
  return found;
}

/* Whether the inputs between the runs are so few that it costs more to step
 * over them than to take them in, which adds nothing. */
static int runs_are_near(const nest_op* op, int32_t level, int32_t end) {
  int32_t active = 0, at = op->levels + 1 + level;
  for (int32_t s = 0; s < op->segments; ++s, at += op->levels + 1) {
    active += nest_width_at(op, at);
  }
  const int32_t near = op->sets > 1 ? NEAR_RUNS * op->segments * op->sets : 1;
  return end - active * op->sets < near;
}

/* Refer header file for details. */
nest_channels nest_channels_of(const nest_op* op, int32_t level) {
  const int32_t outputs = nest_active_outputs(op, level);
  if (op->kind == NEST_DEPTHWISE_CONV_2D) {
    return depthwise_channels(op, outputs);
  }
  const int32_t end = nest_active_end(op, level), taps = nest_taps_of(op);
  nest_channels found = {end, outputs, 0};
  if (op->segments * op->sets > 1) {
    found.has_runs = !runs_are_near(op, level, end);
  }
  if (NEST_DIRECT_DENSE && op->common_shifts) {
    const int32_t fours = (end + 3) / 4 * 4;
    found.in_c = fours <= op->in_c ? fours : op->in_c;
    if (nest_is_vector(op)) found.out_c = round_up(outputs, 4, op->out_c);
  } else if (taps > 1 && !found.has_runs && op->in_c - end < NEAR_TAPS) {
    found.in_c = op->in_c;
  }
  return found;
}
