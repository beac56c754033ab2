#include <string.h>

#include "../direct.h"

/* Copies to lower addresses; `to` is aligned for int32_t, the ranges may
 * overlap.
 */
static void move_down(uint8_t* to, const uint8_t* from, int32_t bytes) {
#if defined(__ARM_FEATURE_DSP)
  /* for (; bytes >= 32; bytes -= 32) copy 32 bytes: two instructions, where
   * the C library's memmove may go byte by byte. */
  if (bytes >= 32 && (uintptr_t)from % 4 == 0) {
    __asm__ volatile(
        "1:\n\t"
        "ldm %1!, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
        "stm %0!, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
        "subs %2, %2, #32\n\t"
        "cmp %2, #32\n\t"
        "bge 1b"
        : "+r"(to), "+r"(from), "+r"(bytes)
        :
        : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "cc", "memory");
  }
#endif
  memmove(to, from, (size_t)bytes);
}

/* One input row into the band's row; the padding is there already. */
static void expand_row(const nest_op* op, const nest_layout* layout,
                       const int8_t* from, uint8_t* row) {
  const int32_t pixel_bytes = layout->pixel_bytes;
  const int32_t padded =
      (op->out_w - 1) * op->stride_w + (op->kernel_w - 1) * op->dilation_w + 1;
  int32_t phase = op->pad_left % layout->phases;
  uint8_t* to = row + op->pad_left / layout->phases * pixel_bytes;
  int32_t width = padded - op->pad_left;
  if (width > op->in_w) width = op->in_w;
  const nest_pixel put = nest_pixel_of(layout);
  if (layout->phases == 1 && put == nest_expand_pixel) {
    nest_expand_pixels(op, layout, from, nest_in_pitch(op), width, to);
    return;
  }
  for (int32_t x = 0; x < width; ++x, from += nest_in_pitch(op)) {
    put(op, layout, from, to + phase * layout->phase_width * pixel_bytes);
    if (++phase == layout->phases) {
      phase = 0;
      to += pixel_bytes;
    }
  }
}

/* Refer header file for details. */
void nest_slide_band(const nest_op* op, const nest_layout* layout,
                     const int8_t* input, int32_t oy, uint8_t* band) {
  const int32_t first = oy * op->stride_h - op->pad_top;
  const int32_t slide = op->stride_h * layout->strip_rows;
  int32_t kept = 0;
  if (oy == 0) {
    memset(band, layout->padding, (size_t)(layout->rows * layout->row_bytes));
  } else if (slide < layout->rows) {
    kept = layout->rows - slide;
    move_down(band, band + slide * layout->row_bytes, kept * layout->row_bytes);
  }
  for (int32_t r = kept; r < layout->rows; ++r) {
    uint8_t* row = band + r * layout->row_bytes;
    const int32_t y = first + r;
    if (y < 0 || y >= op->in_h) {
      memset(row, layout->padding, (size_t)layout->row_bytes);
    } else {
      expand_row(op, layout, input + y * op->in_w * nest_in_pitch(op), row);
    }
  }
}
