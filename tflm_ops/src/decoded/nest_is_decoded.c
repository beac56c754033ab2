#include "decode.h"

/* Refer header file for details. */
int nest_is_decoded(const nest_op* op) {
  nest_layout layout;
  const int32_t rows = op->block_rows, cols = op->block_cols;
  if (!NEST_DECODE || !op->common_shifts || op->index_bytes != 1) return 0;
  if (op->encoding != NEST_BLOCKS && op->encoding != NEST_LISTS) return 0;
  if (rows == 4 ? cols != 4 && cols != 16
                : rows != 1 || (cols > 2 && cols != 4 && cols != 16)) {
    return 0;
  }
  if (!nest_find_layout(op, cols < 4 ? cols : 4, &layout)) return 0;
  return nest_is_vector(op) ||
         (int64_t)nest_decoded_fixed_bytes(op) +
                 layout.rows * layout.row_bytes <=
             nest_scratch_rows(op) + NEST_SCRATCH_CONSTANT;
}
