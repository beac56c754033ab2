#include "../dense/dense.h"
#include "../depthwise/depthwise.h"
#include "../mve/mve_dense.h"
#include "widths.h"

/* Multiply-accumulates that take as long as it does to narrow an op, and
 * outputs that one pays for the filling of. */
#define NARROWING 400
#define FILLED 8

/* Whether the kernel of the whole op goes by plans, which can make any output
 * the zero point. */
static int has_plans(const nest_op* op) {
  return op->kind == NEST_DEPTHWISE_CONV_2D
             ? NEST_DEPTHWISE_FOURS && nest_is_depthwise_fours(op)
             : NEST_DIRECT_DENSE && nest_is_direct_dense(op);
}

/* Whether the whole op costs no more. */
static int saves_little(const nest_op* op, int32_t level, nest_channels found) {
  const int32_t inputs = op->in_c - found.in_c;
  const int32_t outputs = op->out_c - found.out_c;
  if (found.has_runs) return 0;
  if (inputs == 0 && outputs == 0) return 1;
  const int32_t pixels = op->out_h * op->out_w;
  int32_t weights = outputs * op->columns;
  if (op->kind != NEST_DEPTHWISE_CONV_2D) {
    weights += nest_taps_of(op) * found.out_c * inputs;
  }
  int64_t least = NARROWING;
  if (nest_active_outputs(op, level) < op->out_c) {
    least += (int64_t)pixels * op->out_c / FILLED;
  }
  return (int64_t)pixels * weights < least && (outputs == 0 || has_plans(op));
}

/* Refer header file for details. */
uint32_t nest_find_whole(const nest_op* op) {
  /* That kernel takes levels of width as they are. */
  if (NEST_MVE_DENSE && nest_is_mve_dense(op)) return UINT32_MAX;
  uint32_t whole = 0;
  for (int32_t level = 0; level < op->levels; ++level) {
    if (saves_little(op, level, nest_channels_of(op, level))) {
      whole |= (uint32_t)1 << level;
    }
  }
  return whole;
}
