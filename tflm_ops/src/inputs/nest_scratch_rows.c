#include "../internal.h"

/* Refer header file for details. */
int64_t nest_scratch_rows(const nest_op* op) {
  const int64_t limit = (int64_t)1 << 31;
  const int64_t width = (int64_t)(op->out_w - 1) * op->stride_w +
                        (int64_t)(op->kernel_w - 1) * op->dilation_w + 1;
  /* Below 2^26 pixels, 2^25 channels and 2^25 rows: no overflow. */
  const int64_t row = 2 * width * op->in_c;
  if (row > limit) return limit;
  const int64_t rows = (int64_t)(op->kernel_h - 1) * op->dilation_h + 2;
  return row * rows < limit ? row * rows : limit;
}
