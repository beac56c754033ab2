#include "../internal.h"

static void gather_pixel(const nest_op* op, const int8_t* input, int32_t oy,
                         int32_t ox, int32_t tile, int16_t* patch) {
  const int32_t zero_point = op->input_zero_point;
  for (int32_t ky = 0; ky < op->kernel_h; ++ky) {
    const int32_t y = oy * op->stride_h - op->pad_top + ky * op->dilation_h;
    for (int32_t kx = 0; kx < op->kernel_w; ++kx) {
      const int32_t x = ox * op->stride_w - op->pad_left + kx * op->dilation_w;
      if (y < 0 || y >= op->in_h || x < 0 || x >= op->in_w) {
        for (int32_t c = 0; c < op->in_c; ++c, patch += tile) *patch = 0;
        continue;
      }
      const int8_t* from = input + (y * op->in_w + x) * op->in_c;
      for (int32_t c = 0; c < op->in_c; ++c, patch += tile) {
        *patch = (int16_t)(from[c] - zero_point);
      }
    }
  }
}

void nest_gather_patches(const nest_op* op, const int8_t* input, int32_t first,
                         int32_t pixels, int32_t tile, int16_t* patches) {
  for (int32_t t = 0; t < pixels; ++t) {
    gather_pixel(op, input, (first + t) / op->out_w, (first + t) % op->out_w,
                 tile, patches + t);
  }
  for (int32_t t = pixels; t < tile; ++t) {
    for (int32_t i = 0; i < op->columns; ++i) {
      patches[(size_t)i * (size_t)tile + (size_t)t] = 0;
    }
  }
}
