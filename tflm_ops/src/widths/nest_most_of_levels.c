#include "widths.h"

/* Refer header file for details. */
size_t nest_most_of_levels(const nest_op* op,
                           size_t (*bytes_of)(const nest_op* op)) {
  size_t most = 0;
  for (int32_t level = 0; level < op->levels; ++level) {
    nest_op narrow;
    const int whole = nest_is_whole(op, level);
    if (!whole) nest_narrow(op, level, &narrow);
    const size_t bytes = bytes_of(whole ? op : &narrow);
    if (bytes > most) most = bytes;
  }
  return most;
}
