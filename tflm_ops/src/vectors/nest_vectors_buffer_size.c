#include "../mve/mve.h"
#include "vectors.h"

/* Refer header file for details. */
size_t nest_vectors_buffer_size(const nest_op* op) {
#if defined(__ARM_FEATURE_MVE)
  return nest_mve_buffer_size(op);
#else
  nest_layout layout = {0};
  nest_find_byte_layout(op, op->block_cols, &layout);
  return (size_t)layout.rows * (size_t)layout.row_bytes;
#endif
}
