#include "vectors.h"

/* Refer header file for details. */
size_t nest_vectors_buffer_size(const nest_op* op) {
  nest_layout layout = {0};
  nest_find_byte_layout(op, op->block_cols, &layout);
  return (size_t)layout.rows * (size_t)layout.row_bytes;
}
