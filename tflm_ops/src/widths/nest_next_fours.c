#include "widths.h"

#if NEST_WIDTHS
/* Refer header file for details. */
int nest_next_fours(const nest_op* op, int32_t* index, nest_run* run) {
  const int32_t limit = op->in_c / 4 * 4;
  int32_t start = 0, end = 0, i = *index;
  for (const int32_t runs = nest_runs(op); i < runs; ++i) {
    const nest_run next = nest_run_of(op, i);
    if (next.count == 0) continue;
    const int32_t first = next.start / 4 * 4;
    if (end == 0) {
      start = first;
    } else if (first > end) {
      break;
    }
    end = (next.start + next.count + 3) / 4 * 4;
    if (end > limit) end = limit;
  }
  *index = i;
  run->start = start;
  run->count = end - start;
  return run->count > 0;
}
#else
typedef int nest_has_no_widths; /* C wants a declaration */
#endif
