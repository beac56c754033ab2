#include "../internal.h"

/* One output pixel. */
static void gather_pixel(const nest_op* op, const int8_t* input, int32_t pixel,
                         int32_t tile, int16_t* patch) {
  const int32_t top = pixel / op->out_w * op->stride_h - op->pad_top;
  const int32_t left = pixel % op->out_w * op->stride_w - op->pad_left;
  const int32_t zero_point = op->input_zero_point;
  for (int32_t ky = 0; ky < op->kernel_h; ++ky) {
    const int32_t y = top + ky * op->dilation_h;
    for (int32_t kx = 0; kx < op->kernel_w; ++kx) {
      const int32_t x = left + kx * op->dilation_w;
      int32_t c = op->in_c;
      if (y < 0 || y >= op->in_h || x < 0 || x >= op->in_w) {
        for (; c > 0; --c, patch += tile) *patch = 0;
        continue;
      }
      const int8_t* from = input + (y * op->in_w + x) * nest_in_pitch(op);
      for (; c > 0; --c, patch += tile) {
        *patch = (int16_t)(*from++ - zero_point);
      }
    }
  }
}

void nest_gather_patches(const nest_op* op, const int8_t* input, int32_t first,
                         int32_t pixels, int32_t tile, int16_t* patches) {
  for (int32_t t = 0; t < tile; ++t) {
    /* Past `pixels`, any values do: the last pixel again. */
    const int32_t pixel = first + (t < pixels ? t : pixels - 1);
    gather_pixel(op, input, pixel, tile, patches + t);
  }
}
