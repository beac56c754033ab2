#include "../direct.h"

/* Goes on to the next part of the channels, the first one after the last, and
 * plans it; a part of all channels stays. */
static void next_part(nest_walk* walk) {
  const int32_t out_c = walk->op->out_c;
  if (walk->channels == out_c) return;
  walk->first += walk->channels;
  if (walk->first == out_c) walk->first = 0;
  const int32_t left = out_c - walk->first;
  const int32_t most = nest_plans(walk->op);
  walk->channels = left < most ? left : most;
  walk->plan(walk);
}

/* A 1x1 kernel: the inputs of output pixels, wherever they are.
 * Without padding: a window overlaps the input, and it is one pixel. */
NEST_AROUND static void expand_1x1(const nest_op* op, const nest_layout* layout,
                                   const int8_t* input, int32_t first,
                                   int32_t pixels, uint8_t* to) {
  const nest_pixel put = nest_pixel_of(layout);
  for (int32_t at = first; at < first + pixels;
       ++at, to += layout->pixel_bytes) {
    const int32_t y = at / op->out_w * op->stride_h;
    const int32_t x = at % op->out_w * op->stride_w;
    put(op, layout, input + (y * op->in_w + x) * nest_in_pitch(op), to);
  }
}

/* Refer header file for details. */
void nest_walk_tiles(nest_walk* walk, const int8_t* input, int8_t* output,
                     uint8_t* inputs) {
  const nest_op* op = walk->op;
  const nest_layout* layout = walk->layout;
  const int is_1x1 = op->kernel_h == 1 && op->kernel_w == 1;
  /* Of a 1x1 kernel, inputs that lie as the outputs do. */
  const int in_order =
      layout->value_bytes == 2 && op->stride_h == 1 && op->out_w == op->in_w;
  const int32_t total = op->out_h * op->out_w;
  /* Rows of pixels that lie side by side: of 1x1 kernels a tile each, wherever
   * the output's rows end, and the last one overlaps the one before it. */
  int32_t pixels = op->out_w;
  int32_t most = layout->strip_rows;
  size_t row_bytes = (size_t)op->stride_h * (size_t)layout->row_bytes;
  if (is_1x1) {
    pixels = total < layout->tile ? total : layout->tile;
    most = layout->held;
    row_bytes = (size_t)layout->row_bytes;
  }
  const int32_t last = total - pixels;
  for (int32_t start = 0; start < total; start += most * pixels) {
    const int32_t end =
        total - start < most * pixels ? total : start + most * pixels;
    if (is_1x1) {
      uint8_t* to = inputs;
      for (int32_t at = start; at < end; at += pixels, to += row_bytes) {
        const int32_t first = at < last ? at : last;
        if (in_order) {
          nest_expand_pixels(op, layout, input + first * nest_in_pitch(op),
                             nest_in_pitch(op), pixels, to);
        } else {
          expand_1x1(op, layout, input, first, pixels, to);
        }
      }
    } else {
      nest_slide_band(op, layout, input, start / pixels, inputs);
    }
    do {
      next_part(walk);
      size_t from = 0; /* past the last row, it may be anything */
      for (int32_t at = start; at < end; at += pixels, from += row_bytes) {
        nest_visit_row(walk, inputs + from, pixels,
                       output + (at < last ? at : last) * nest_out_pitch(op));
      }
    } while (walk->first + walk->channels < op->out_c);
  }
  nest_clamp(op, output, (size_t)total * (size_t)nest_out_pitch(op));
}
