/* Levels of width: a level is an op of fewer channels in the same tensors, so
 * the dense kernels run it, on a view of the op. */
#ifndef NEST_SRC_WIDTHS_H_
#define NEST_SRC_WIDTHS_H_

#include "../internal.h"

/* Active inputs side by side, from `start` on. */
typedef struct nest_run {
  int32_t start, count;
} nest_run;

/* The number at a place in the counts section, which is aligned. */
static inline int32_t nest_width_at(const nest_op* op, int32_t at) {
  return ((const uint16_t*)(const void*)op->counts)[at];
}

/* Output channels of a level. */
static inline int32_t nest_active_outputs(const nest_op* op, int32_t level) {
  return nest_width_at(op, level);
}

/* Input channels up to a level's last one; in_pitch of them in a depthwise op's
 * place, which has no segments. */
NEST_COLD int32_t nest_active_end(const nest_op* op, int32_t level);

/* Runs of a pixel's inputs: all of them, or those of the level that the op was
 * narrowed to; a run may be empty. */
static inline int32_t nest_runs(const nest_op* op) {
  return NEST_WIDTHS && op->narrowed > 0 ? op->sets * op->segments : 1;
}
NEST_AROUND nest_run nest_run_of(const nest_op* op, int32_t index);

/* The next of the runs from *index on in whole fours of channels, those that
 * touch taken together, as far as in_c has fours; 0 behind the last one. */
#if NEST_WIDTHS
NEST_AROUND int nest_next_fours(const nest_op* op, int32_t* index,
                                nest_run* run);
#else
static inline int nest_next_fours(const nest_op* op, int32_t* index,
                                  nest_run* run) {
  run->start = 0;
  run->count = op->in_c / 4 * 4;
  return (*index)++ == 0 && run->count > 0;
}
#endif

/* Whether a level has all channels, in one segment: it runs as without widths.
 */
static inline int nest_is_whole(const nest_op* op, int32_t level) {
  if (nest_active_outputs(op, level) < op->out_c) return 0;
  const int32_t at = op->levels + 1 + level;
  return op->segments == 0 ||
         (op->segments == 1 && nest_width_at(op, at) * op->sets == op->in_c);
}

/* The op at a level, to be run at level 0 of it: its inputs up to the last
 * active one and its active outputs, or some more of either where a kernel is
 * faster so; the outputs that are too many are to be filled. */
NEST_COLD void nest_narrow(const nest_op* op, int32_t level, nest_op* narrow);

/* Sets the outputs that a level does not have to the output zero point. */
void nest_fill_inactive(const nest_op* op, int32_t level, int8_t* output);

/* The most bytes that `bytes_of` wants for any level. */
NEST_COLD size_t nest_most_of_levels(const nest_op* op,
                                     size_t (*bytes_of)(const nest_op* op));

#endif /* NEST_SRC_WIDTHS_H_ */
