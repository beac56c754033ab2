/* Levels of width: a level is an op of fewer channels in the same tensors, so
 * the dense kernels run it, on a view of the op. */
#ifndef NEST_SRC_WIDTHS_H_
#define NEST_SRC_WIDTHS_H_

#include "../direct.h"

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

/* Whether a level runs as the whole op does: it has all channels, or lacks so
 * few that to narrow the op would take longer. */
static inline int nest_is_whole(const nest_op* op, int32_t level) {
  return op->whole >> level & 1;
}

/* That of all levels, a bit for each; once, when the op is opened. */
NEST_COLD uint32_t nest_find_whole(const nest_op* op);

/* Channels to run, and whether they are runs with others between them. */
typedef struct nest_channels {
  int32_t in_c, out_c;
  int32_t has_runs;
} nest_channels;

/* Those of a level that is narrowed: its inputs up to the last active one and
 * its active outputs, or some more of either where a kernel is faster so. */
NEST_COLD nest_channels nest_channels_of(const nest_op* op, int32_t level);

static inline int32_t nest_taps_of(const nest_op* op) {
  return op->kernel_h * op->kernel_w;
}

/* The op of those channels, to be run at level 0 of it. Kernels that go by
 * plans make outputs that are too many the zero point (nest_skip_inactive). */
NEST_COLD void nest_narrow(const nest_op* op, int32_t level, nest_op* narrow);

/* Sets all outputs to the output zero point, for a narrowed op to write its
 * own. */
NEST_AROUND void nest_fill_outputs(const nest_op* op, int8_t* output);

/* The same for the channels from `first` to `end` - 1, each pixel's. */
void nest_fill_rest(const nest_op* op, int32_t first, int32_t end,
                    int8_t* output);

/* Makes plans of channels that a level does not have: nothing is left of their
 * sums, and the output is the zero point. */
NEST_AROUND void nest_skip_inactive(const nest_op* op, int32_t level,
                                    int32_t first, int32_t channels,
                                    nest_row* rows);

/* nest_plan_channels, and that. */
static inline void nest_plan_active(const nest_op* op, int32_t level,
                                    int32_t first, int32_t channels,
                                    nest_row* rows) {
  nest_plan_channels(op, level, first, channels, rows);
  if (nest_has_widths(op)) {
    nest_skip_inactive(op, level, first, channels, rows);
  }
}

/* The most bytes that `bytes_of` wants for any level. */
NEST_COLD size_t nest_most_of_levels(const nest_op* op,
                                     size_t (*bytes_of)(const nest_op* op));

#endif /* NEST_SRC_WIDTHS_H_ */
