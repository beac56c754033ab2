#include "../widths/widths.h"

/* Whether the numbers of all levels, from `at` on, are in a range and do not
 * fall. */
NEST_COLD static int are_rising(const nest_op* op, int32_t at, int32_t low,
                                int32_t high) {
  for (int32_t level = 0; level < op->levels; ++level) {
    const int32_t width = nest_width_at(op, at + level);
    if (width < low || width > high) return 0;
    low = width;
  }
  return 1;
}

NEST_COLD static int segments_are_valid(const nest_op* op) {
  const int32_t size = op->in_c / op->sets;
  int32_t from = 0; /* where the next segment may begin */
  int32_t inputs = 0;
  int32_t at = op->levels;
  for (int32_t s = op->segments; s > 0; --s, at += op->levels + 1) {
    const int32_t start = nest_width_at(op, at);
    if (start < from || start >= size ||
        !are_rising(op, at + 1, 0, size - start)) {
      return 0;
    }
    const int32_t most = nest_width_at(op, at + op->levels);
    inputs |= nest_width_at(op, at + 1);
    /* The next one begins behind: no channel is in two. */
    from = start + (most > 0 ? most : 1);
  }
  return inputs > 0;
}

NEST_COLD static int depthwise_is_valid(const nest_op* op) {
  const int32_t multiple = op->out_c / op->in_c;
  for (int32_t level = 0; level < op->levels; ++level) {
    if (nest_active_outputs(op, level) % multiple != 0) return 0;
  }
  return op->segments == 0;
}

/* Refer header file for details. */
nest_status nest_check_widths(const nest_op* op) {
  /* Only fully connected ops have several sets. */
  const int32_t most = op->kind == NEST_FULLY_CONNECTED ? op->in_c : 1;
  const int is_valid =
      op->sets >= 1 && op->sets <= most && op->in_c % op->sets == 0 &&
      op->output_zero_point >= op->act_min &&
      op->output_zero_point <= op->act_max && are_rising(op, 0, 1, op->out_c) &&
      (op->kind == NEST_DEPTHWISE_CONV_2D ? depthwise_is_valid(op)
                                          : segments_are_valid(op));
  return is_valid ? NEST_OK : NEST_ERROR_HEADER;
}
