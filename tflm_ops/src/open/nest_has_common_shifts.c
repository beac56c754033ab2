#include "../direct.h"

/* Refer header file for details. */
int nest_has_common_shifts(const nest_op* op) {
  for (int32_t level = 0; level < op->levels; ++level) {
    const int8_t* shift = op->shift + op->level_table[level] * op->out_c;
    for (int32_t c = 0; c < op->out_c; ++c) {
      if (!nest_is_common_shift(shift[c])) return 0;
    }
  }
  return 1;
}
