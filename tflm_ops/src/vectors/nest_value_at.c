#include "stream.h"

/* Refer header file for details. */
size_t nest_value_at(const nest_op* op, size_t slot, size_t row, size_t col) {
  if (op->encoding == NEST_OFFSETS) {
    return nest_pair_value_at(op, slot, row, col);
  }
  const size_t each = nest_record_entries(op);
  return 2 * each + (row * each + slot) * (size_t)op->block_cols + col;
}
