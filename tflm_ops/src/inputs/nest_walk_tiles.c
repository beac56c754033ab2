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

static int is_last_part(const nest_walk* walk) {
  return walk->first + walk->channels == walk->op->out_c;
}

/* Some neighbouring pixels, as the row kernels want them: 8, 4, 2 or 1 at a
 * time. */
static void visit_pixels(const nest_walk* walk, const uint8_t* inputs,
                         int32_t pixels, int8_t* output) {
  const int32_t out_c = walk->op->out_c;
  const int32_t step_bytes = walk->layout->step_bytes;
  output += walk->first;
  for (int32_t count; pixels > 0; pixels -= count) {
    count = pixels >= NEST_TILE ? NEST_TILE : pixels > 1 ? 2 : 1;
    if (pixels == NEST_MAX_TILE) count = pixels;
    const nest_tile tile = {inputs,
                            walk->rows,
                            output,
                            output + walk->channels,
                            count > 1 ? out_c : 0,
                            count > 2 ? 2 * out_c : 0};
    walk->visit(walk, &tile, count);
    inputs += count * step_bytes;
    output += count * out_c;
  }
}

/* Pixels of the tiles of a row of `total` pixels. */
static int32_t tile_size(const nest_walk* walk, int32_t total) {
  const int32_t most = walk->layout->tile;
  return total < most ? total : most;
}

/* Where the tile after `at` starts: the last one overlaps the one before it. */
static int32_t tile_start(int32_t at, int32_t tile, int32_t total) {
  return at > total - tile ? total - tile : at;
}

/* A kernel larger than 1x1: a band of rows for some output rows. */
static void walk_band(nest_walk* walk, const int8_t* input, int8_t* output,
                      uint8_t* band) {
  const nest_op* op = walk->op;
  const nest_layout* layout = walk->layout;
  const int32_t pixels = tile_size(walk, op->out_w);
  const int32_t most = layout->strip_rows;
  for (int32_t oy = 0; oy < op->out_h; oy += most) {
    const int32_t left = op->out_h - oy;
    nest_slide_band(op, layout, input, oy, band);
    do {
      next_part(walk);
      int8_t* to = output;
      for (int32_t r = 0; r < most && r < left; ++r) {
        const uint8_t* from = band + r * op->stride_h * layout->row_bytes;
        for (int32_t at = 0; at < op->out_w; at += pixels) {
          const int32_t ox = tile_start(at, pixels, op->out_w);
          visit_pixels(walk, from + ox * layout->step_bytes, pixels,
                       to + ox * op->out_c);
        }
        to += op->out_w * op->out_c;
      }
    } while (!is_last_part(walk));
    output += most * op->out_w * op->out_c;
  }
}

/* Where a 1x1 kernel finds the inputs of an output pixel. Without padding: a
 * window overlaps the input, and it is one pixel. */
static const int8_t* input_of(const nest_op* op, const int8_t* input,
                              int32_t at) {
  const int32_t y = at / op->out_w * op->stride_h;
  const int32_t x = at % op->out_w * op->stride_w;
  return input + (y * op->in_w + x) * op->in_c;
}

/* A 1x1 kernel: the inputs of up to four output pixels, wherever they are. */
static void expand_1x1(const nest_op* op, const nest_layout* layout,
                       const int8_t* input, int32_t first, int32_t pixels,
                       uint8_t* to) {
  if (op->stride_h == 1 && op->out_w == op->in_w) {
    nest_expand_pixels(op, layout, input + first * op->in_c, op->in_c, pixels,
                       to);
    return;
  }
  for (int32_t at = first; at < first + pixels;
       ++at, to += layout->pixel_bytes) {
    nest_expand_pixel(op, layout, input_of(op, input, at), to);
  }
}

/* The same for a layout of int8. */
static void copy_1x1(const nest_op* op, const nest_layout* layout,
                     const int8_t* input, int32_t first, int32_t pixels,
                     uint8_t* to) {
  for (int32_t at = first; at < first + pixels;
       ++at, to += layout->pixel_bytes) {
    nest_copy_pixel(op, layout, input_of(op, input, at), to);
  }
}

/* For each part some tiles. */
static void walk_1x1(nest_walk* walk, const int8_t* input, int8_t* output,
                     uint8_t* inputs) {
  const nest_op* op = walk->op;
  const int32_t total = op->out_h * op->out_w;
  const int32_t pixels = tile_size(walk, total);
  const int32_t tile_bytes = walk->layout->row_bytes;
  const int32_t step = pixels * walk->layout->held;
  for (int32_t start = 0; start < total; start += step) {
    const int32_t end = total - start < step ? total : start + step;
    uint8_t* to = inputs;
    for (int32_t t = start; t < end; t += pixels, to += tile_bytes) {
      const int32_t at = tile_start(t, pixels, total);
      if (walk->layout->value_bytes == 1) {
        copy_1x1(op, walk->layout, input, at, pixels, to);
      } else {
        expand_1x1(op, walk->layout, input, at, pixels, to);
      }
    }
    do {
      next_part(walk);
      const uint8_t* from = inputs;
      for (int32_t t = start; t < end; t += pixels, from += tile_bytes) {
        const int32_t at = tile_start(t, pixels, total);
        visit_pixels(walk, from, pixels, output + at * op->out_c);
      }
    } while (!is_last_part(walk));
  }
}

/* Refer header file for details. */
void nest_walk_tiles(nest_walk* walk, const int8_t* input, int8_t* output,
                     uint8_t* inputs) {
  const nest_op* op = walk->op;
  if (op->kernel_h > 1 || op->kernel_w > 1) {
    walk_band(walk, input, output, inputs);
  } else {
    walk_1x1(walk, input, output, inputs);
  }
  nest_clamp(op, output,
             (size_t)op->out_h * (size_t)op->out_w * (size_t)op->out_c);
}
