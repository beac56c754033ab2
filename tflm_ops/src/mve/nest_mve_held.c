#include "mve.h"

#if defined(__ARM_FEATURE_MVE)

/* Refer header file for details. */
int32_t nest_mve_held(const nest_op* op, const nest_layout* layout) {
  const int64_t limit = nest_scratch_rows(op) + NEST_MVE_SPARE_ROWS;
  int32_t bytes = layout->rows * layout->row_bytes + NEST_MVE_SPARE;
  if (bytes > limit) bytes = (int32_t)limit;
  int32_t held = bytes / layout->row_bytes;
  if (held < layout->rows) held = layout->rows;
  int32_t all = (op->out_h - 1) * op->stride_h + layout->rows;
  if (op->kernel_h == 1 && op->kernel_w == 1) {
    all = (op->out_h * op->out_w + NEST_TILE - 1) / NEST_TILE;
  }
  return held < all ? held : all;
}
#else
typedef int nest_mve_held_is_for_mve; /* ISO C wants a declaration */
#endif
