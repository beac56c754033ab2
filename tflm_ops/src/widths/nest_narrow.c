#include "../dense/dense.h"
#include "widths.h"

static const uint8_t first_table = 0;

/* A kernel that goes over a patch at a time has the weights of all inputs. */
static void widen_inputs(nest_op* narrow) {
  narrow->in_c = narrow->in_pitch;
  narrow->columns = narrow->row_pitch;
  narrow->narrowed = 0;
}

static void narrow_direct(nest_op* narrow) {
  if (!nest_has_dense_band(narrow)) {
    widen_inputs(narrow);
  } else if (nest_runs(narrow) * nest_taps_of(narrow) > NEST_MAX_TAPS) {
    narrow->narrowed = 0; /* one run */
  }
}

/* Refer header file for details. */
void nest_narrow(const nest_op* op, int32_t level, nest_op* narrow) {
  const nest_channels found = nest_channels_of(op, level);
  const size_t table = (size_t)op->level_table[level] * (size_t)op->out_c;
  *narrow = *op;
  narrow->multiplier += table;
  narrow->bias += table;
  narrow->shift += table;
  narrow->level_table = &first_table;
  narrow->counts += 2 * level;
  if (op->folded != NULL) narrow->folded = nest_folded_row(op, level);
  narrow->in_c = found.in_c;
  narrow->out_c = found.out_c;
  if (op->kind == NEST_DEPTHWISE_CONV_2D) return;
  narrow->columns = nest_taps_of(op) * found.in_c;
  narrow->narrowed = found.has_runs ? level + 1 : 0;
  if (NEST_DIRECT_DENSE && op->common_shifts && !nest_is_vector(op)) {
    narrow_direct(narrow);
  }
}
