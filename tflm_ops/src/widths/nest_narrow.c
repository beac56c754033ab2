#include "../dense/dense.h"
#include "../depthwise/depthwise.h"
#include "../mve/mve_dense.h"
#include "../mve/mve_depthwise.h"
#include "widths.h"

#define NEAR_RUNS 32 /* channels between two, in the mean */

static const uint8_t first_table = 0;

/* Up to a multiple of 4 that there is. */
static int32_t in_fours(int32_t count, int32_t limit) {
  const int32_t fours = (count + 3) / 4 * 4;
  return fours < limit ? fours : limit;
}

static void narrow_inputs(int32_t inputs, nest_op* narrow) {
  narrow->in_c = inputs;
  narrow->columns = narrow->kernel_h * narrow->kernel_w * inputs;
}

/* A kernel that goes over a patch at a time has the weights of all inputs. */
static void widen_inputs(nest_op* narrow) {
  narrow_inputs(narrow->in_pitch, narrow);
  narrow->narrowed = 0;
}

static int32_t in_sixteens(int32_t count, int32_t limit) {
  const int32_t sixteens = (count + 15) / 16 * 16;
  return sixteens < limit ? sixteens : limit;
}

/* Whether the inputs between the runs are so few that it costs more to step
 * over them than to take them in, which adds nothing. */
static int runs_are_near(const nest_op* op, int32_t level, int32_t end) {
  int32_t active = 0, at = op->levels + 1 + level;
  for (int32_t s = 0; s < op->segments; ++s, at += op->levels + 1) {
    active += nest_width_at(op, at);
  }
  return end - active * op->sets < NEAR_RUNS * op->segments * op->sets;
}

/* Fewer channels than a kernel takes at a time cost as much, or more. */
static void narrow_depthwise(const nest_op* op, nest_op* narrow) {
  const int32_t multiple = op->out_c / op->in_c;
  if (multiple == 1 && NEST_MVE_DEPTHWISE && op->folded != NULL) {
    narrow->out_c = in_sixteens(narrow->out_c, op->out_c);
  } else if (multiple == 1 && NEST_DEPTHWISE_FOURS && narrow->out_c < 4) {
    narrow->out_c = in_fours(narrow->out_c, op->out_c);
  }
  narrow->in_c = narrow->out_c / multiple;
}

/* Rows four at a time; the last few cost as much as four each. */
static void narrow_mve(const nest_op* op, nest_op* narrow) {
  narrow->out_c = in_fours(narrow->out_c, op->out_c);
  if (op->kernel_h > 1 || op->kernel_w > 1) widen_inputs(narrow);
}

static void narrow_direct(const nest_op* op, nest_op* narrow) {
  if (op->in_c % 4 == 0) {
    narrow_inputs(in_fours(narrow->in_c, op->in_c), narrow);
  }
  if (nest_is_vector(op)) {
    narrow->out_c = in_fours(narrow->out_c, op->out_c);
    return;
  }
  if (!nest_has_dense_band(narrow)) {
    widen_inputs(narrow);
  } else if (nest_runs(narrow) * op->kernel_h * op->kernel_w > NEST_MAX_TAPS) {
    narrow->narrowed = 0; /* one run */
  }
}

/* Refer header file for details. */
void nest_narrow(const nest_op* op, int32_t level, nest_op* narrow) {
  const size_t table = (size_t)op->level_table[level] * (size_t)op->out_c;
  *narrow = *op;
  narrow->multiplier += table;
  narrow->bias += table;
  narrow->shift += table;
  narrow->level_table = &first_table;
  if (op->folded != NULL) narrow->folded = nest_folded_row(op, level);
  narrow->narrowed = level + 1;
  narrow->out_c = nest_active_outputs(op, level);
  if (op->kind == NEST_DEPTHWISE_CONV_2D) {
    narrow_depthwise(op, narrow);
    return;
  }
  const int32_t end = nest_active_end(op, level);
  narrow_inputs(end, narrow);
  if (op->sets > 1 && runs_are_near(op, level, end)) narrow->narrowed = 0;
  if (NEST_MVE_DENSE && op->folded != NULL) {
    narrow_mve(op, narrow);
  } else if (NEST_DIRECT_DENSE && op->common_shifts) {
    narrow_direct(op, narrow);
  }
}
