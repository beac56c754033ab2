#include "decode.h"

static int32_t at_most(int32_t value, int32_t limit) {
  return value < limit ? value : limit;
}

/* Refer header file for details. */
void nest_find_decoded_layout(const nest_op* op, nest_layout* layout) {
  nest_find_layout(op, at_most(op->block_cols, 4), layout);
  const int is_1x1 = op->kernel_h == 1 && op->kernel_w == 1;
  /* Tiles of an output row, or one; such rows, and what each takes. */
  const int32_t pixels = is_1x1 ? op->out_h * op->out_w : op->out_w;
  const int32_t tiles = (pixels + layout->tile - 1) / layout->tile;
  const int32_t all = is_1x1 ? tiles : op->out_h;
  const int32_t wanted =
      is_1x1 ? NEST_DECODED_TILES : (NEST_DECODED_TILES + tiles - 1) / tiles;
  /* In 64 bits: a stride beyond the input, of one output row, may be any. */
  const int64_t bytes =
      (int64_t)(is_1x1 ? 1 : op->stride_h) * layout->row_bytes;
  /* What the bound of the scratch leaves. */
  const int64_t left = nest_scratch_rows(op) + NEST_SCRATCH_CONSTANT -
                       (int64_t)nest_decoded_fixed_bytes(op) -
                       layout->rows * layout->row_bytes;
  const int32_t most =
      left < NEST_DECODED_INPUTS ? (int32_t)left : NEST_DECODED_INPUTS;
  const int32_t rows =
      at_most(at_most(all, wanted), 1 + (int32_t)(most / bytes));
  if (is_1x1) {
    layout->held = rows;
  } else {
    layout->strip_rows = rows;
    layout->rows += (rows - 1) * op->stride_h;
  }
}
