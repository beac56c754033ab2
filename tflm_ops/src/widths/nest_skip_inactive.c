#include "widths.h"

/* Refer header file for details. */
void nest_skip_inactive(const nest_op* op, int32_t level, int32_t first,
                        int32_t channels, nest_row* rows) {
  int32_t c = nest_active_outputs(op, level) - first;
  if (c < 0) c = 0;
  for (; c < channels; ++c) rows[c].multiplier = 0;
}
