#include "direct.h"

/* Refer header file for details. */
size_t nest_direct_buffer_size(const nest_op* op) {
  nest_layout layout = {0, 0, 0, 0, 0, 0};
  nest_find_layout(op, &layout);
  const int32_t all = op->row_groups * op->block_rows;
  const int32_t rows =
      nest_is_vector(op) && all > NEST_VECTOR_ROWS ? NEST_VECTOR_ROWS : all;
  return (size_t)rows * sizeof(nest_row) +
         (size_t)layout.rows * (size_t)layout.row_bytes + NEST_BAND_SLACK;
}
