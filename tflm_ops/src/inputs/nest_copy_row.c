#include <string.h>

#include "../direct.h"

/* Refer header file for details. */
void nest_copy_row(const nest_op* op, const nest_layout* layout,
                   const int8_t* from, uint8_t* row) {
  const int32_t padded =
      (op->out_w - 1) * op->stride_w + (op->kernel_w - 1) * op->dilation_w + 1;
  int32_t width = padded - op->pad_left;
  if (width > op->in_w) width = op->in_w;
  if (layout->lanes == op->in_c && layout->phases == 1) {
    memcpy(row + op->pad_left * op->in_c, from, (size_t)(width * op->in_c));
    return;
  }
  for (int32_t x = op->pad_left; x < op->pad_left + width; ++x) {
    const int32_t pixel =
        x % layout->phases * layout->phase_width + x / layout->phases;
    nest_copy_pixel(op, layout, from, row + pixel * layout->pixel_bytes);
    from += op->in_c;
  }
}
