#include "../direct.h"

/* Refer header file for details. */
size_t nest_direct_buffer_size(const nest_op* op) {
  nest_layout layout = {0};
  nest_find_layout(op, op->block_cols, &layout);
  if (!nest_is_vector(op)) return nest_walk_buffer_size(op, &layout);
  const int32_t rows =
      op->out_c < NEST_VECTOR_ROWS ? op->out_c : NEST_VECTOR_ROWS;
  return (size_t)rows * sizeof(nest_row) + (size_t)layout.row_bytes +
         NEST_BAND_SLACK;
}
