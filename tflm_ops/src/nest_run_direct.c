#include "direct.h"

typedef void (*row_kernel)(const nest_op*, const nest_tile*);

/* One op at one level on its way through the tiles. */
typedef struct run {
  const nest_op* op;
  int32_t level;
  row_kernel kernel;
  const nest_row* rows;
} run;

static void run_tile(const run* r, const uint8_t* inputs, int32_t pixels,
                     int8_t* output) {
  const int32_t out_c = r->op->out_c;
  const nest_tile tile = {inputs,
                          r->rows,
                          output,
                          output + out_c,
                          pixels > 1 ? out_c : 0,
                          pixels > 2 ? 2 * out_c : 0};
  r->kernel(r->op, &tile);
  if (!r->op->common_shifts) nest_redo_rows(r->op, r->level, &tile, 0, pixels);
}

/* Up to four neighbouring pixels: 4, 2 or 1 at a time. */
static void run_pixels(const run* r, const uint8_t* inputs, int32_t pixels,
                       int8_t* output) {
  if (pixels == 3) {
    const int32_t two = 2 * r->op->block_cols * 2;
    run_tile(r, inputs, 2, output);
    run_tile(r, inputs + two, 1, output + 2 * r->op->out_c);
  } else {
    run_tile(r, inputs, pixels, output);
  }
}

/* Where the tile after `at` starts: the last one overlaps the one before it. */
static int32_t tile_start(int32_t at, int32_t total) {
  return total >= NEST_TILE && at > total - NEST_TILE ? total - NEST_TILE : at;
}

/* A kernel larger than 1x1: a band of rows for each output row. */
static void run_band(const run* r, const nest_layout* layout,
                     const int8_t* input, int8_t* output, uint8_t* band) {
  const nest_op* op = r->op;
  const int32_t pixels = op->out_w < NEST_TILE ? op->out_w : NEST_TILE;
  for (int32_t oy = 0; oy < op->out_h; ++oy, output += op->out_w * op->out_c) {
    nest_slide_band(op, layout, input, oy, band);
    for (int32_t at = 0; at < op->out_w; at += NEST_TILE) {
      const int32_t ox = tile_start(at, op->out_w);
      run_pixels(r, band + ox * layout->lanes * 2, pixels,
                 output + ox * op->out_c);
    }
  }
}

/* A 1x1 kernel: four output pixels at a time, wherever their inputs are. */
static void expand_1x1(const nest_op* op, const nest_layout* layout,
                       const int8_t* input, int32_t first, int32_t pixels,
                       uint8_t* to) {
  if (op->stride_h == 1 && op->out_w == op->in_w) {
    nest_expand_pixels(op, layout, input + first * op->in_c, op->in_c, pixels,
                       to);
    return;
  }
  /* Without padding: a window overlaps the input, and it is one pixel. */
  for (int32_t at = first; at < first + pixels; ++at, to += 2 * layout->lanes) {
    const int32_t y = at / op->out_w * op->stride_h;
    const int32_t x = at % op->out_w * op->stride_w;
    nest_expand_pixel(op, layout, input + (y * op->in_w + x) * op->in_c, to);
  }
}

static void run_1x1(const run* r, const nest_layout* layout,
                    const int8_t* input, int8_t* output, uint8_t* inputs) {
  const nest_op* op = r->op;
  const int32_t total = op->out_h * op->out_w;
  const int32_t pixels = total < NEST_TILE ? total : NEST_TILE;
  for (int32_t start = 0; start < total; start += NEST_TILE) {
    const int32_t at = tile_start(start, total);
    expand_1x1(op, layout, input, at, pixels, inputs);
    run_pixels(r, inputs, pixels, output + at * op->out_c);
  }
}

/* Refer header file for details. */
void nest_run_direct(const nest_op* op, int32_t level, const int8_t* input,
                     int8_t* output, void* scratch) {
  nest_row* rows = (nest_row*)scratch;
  const size_t bytes =
      (size_t)op->out_h * (size_t)op->out_w * (size_t)op->out_c;
  if (nest_is_vector(op)) {
    nest_run_vector(op, level, input, output, scratch);
    return;
  }
  const uint8_t* stream = (const uint8_t*)op->values;
  nest_layout layout;
  nest_find_layout(op, &layout);
  const run r = {op, level,
                 op->block_cols == 4 ? nest_rows_1x4 : nest_rows_1x2, rows};
  nest_plan_rows(op, level, 0, op->row_groups, &stream, rows);
  uint8_t* inputs = (uint8_t*)(rows + op->out_c);
  if (op->kernel_h == 1 && op->kernel_w == 1) {
    run_1x1(&r, &layout, input, output, inputs);
  } else {
    run_band(&r, &layout, input, output, inputs);
  }
  nest_clamp(op, output, bytes);
}
