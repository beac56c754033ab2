#include "mve.h"

#if defined(__ARM_FEATURE_MVE)

/* Refer header file for details. */
size_t nest_mve_buffer_size(const nest_op* op) {
  nest_layout layout;
  nest_find_byte_layout(op, op->block_cols, &layout);
  if (nest_is_vector(op)) return (size_t)layout.row_bytes;
  const int32_t held = nest_mve_held(op, &layout);
  return (size_t)nest_mve_plans(op) * sizeof(nest_mve_row) +
         (size_t)nest_mve_unused(op) + (size_t)held * (size_t)layout.row_bytes +
         NEST_MVE_SLACK;
}
#else
typedef int nest_mve_buffer_size_is_for_mve; /* ISO C wants a declaration */
#endif
