#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* One op at one level, some channels of it, on its way through its tiles. */
typedef struct walk {
  const nest_op* op;
  const nest_layout* layout;
  nest_mve_kernel* kernel;
  nest_mve_tiles tiles;
  uint8_t* unused; /* where outputs go that do not count */
  uint8_t* inputs;
  int32_t padded_w;
} walk;

static int32_t at_most(int32_t value, int32_t limit) {
  return value < limit ? value : limit;
}

/* `count` tiles side by side, the first `pixels` pixels of each. */
static void run_tiles(walk* w, const uint8_t* inputs, int32_t count,
                      int32_t pixels, int8_t* output) {
  const uint32_t channels = (uint32_t)-w->tiles.channels;
  const uint32x4_t lane = vidupq_n_u32(0, 1);
  uint32x4_t to = vmulq_n_u32(lane, (uint32_t)w->op->out_c);
  uint32x4_t from = vmulq_n_u32(lane, (uint32_t)w->layout->step_bytes);
  to = vaddq_n_u32(to, (uint32_t)output + channels);
  if (pixels < NEST_TILE) {
    const mve_pred16_t counts = vctp32q((uint32_t)pixels);
    to = vpselq_u32(to, vdupq_n_u32((uint32_t)w->unused + channels), counts);
    from = vpselq_u32(from, vdupq_n_u32(0), counts);
  }
  vst1q_u32(w->tiles.outputs, to);
  vst1q_u32((uint32_t*)w->tiles.inputs, vaddq_n_u32(from, (uint32_t)inputs));
  w->tiles.count = count;
  w->kernel(&w->tiles);
}

/* One row of input into the rows held; the padding is there already. */
static void copy_row(const walk* w, const int8_t* from, uint8_t* row) {
  const nest_op* op = w->op;
  const nest_layout* layout = w->layout;
  const int32_t phases = layout->phases;
  const int32_t width = at_most(w->padded_w - op->pad_left, op->in_w);
  if (phases == 1) {
    nest_mve_copy_pixels(op, layout, from, op->in_c, width,
                         row + op->pad_left * layout->pixel_bytes, 64);
    return;
  }
  for (int32_t x = 0; x < at_most(phases, width); ++x) {
    const int32_t to = x + op->pad_left;
    nest_mve_copy_pixels(
        op, layout, from + x * op->in_c, phases * op->in_c,
        (width - x + phases - 1) / phases,
        row + (to % phases * layout->phase_width + to / phases) *
                  layout->pixel_bytes,
        64);
  }
}

/* A kernel larger than 1x1: for each output row the band's rows of input. */
static void walk_band(walk* w, const int8_t* input, int8_t* output) {
  const nest_op* op = w->op;
  const nest_layout* layout = w->layout;
  const int32_t row_bytes = layout->row_bytes;
  const int32_t held = nest_mve_held(op, layout);
  const int32_t tiles = op->out_w / NEST_TILE;
  const int32_t rest = op->out_w % NEST_TILE;
  nest_mve_fill(w->inputs, layout->padding, held * row_bytes);
  int32_t begin = 0; /* rows held, counted with the padding above the input */
  int32_t end = 0;
  for (int32_t oy = 0; oy < op->out_h; ++oy) {
    const int32_t first = oy * op->stride_h;
    if (first + layout->rows > begin + held) {
      if (end > first) {
        nest_mve_copy(w->inputs, w->inputs + (first - begin) * row_bytes,
                      (end - first) * row_bytes);
      }
      begin = first;
    }
    if (end < first) end = first;
    for (; end < first + layout->rows; ++end) {
      uint8_t* row = w->inputs + (end - begin) * row_bytes;
      const int32_t y = end - op->pad_top;
      if (y < 0 || y >= op->in_h) {
        nest_mve_fill(row, layout->padding, row_bytes);
      } else {
        copy_row(w, input + y * op->in_w * op->in_c, row);
      }
    }
    const uint8_t* band = w->inputs + (first - begin) * row_bytes;
    if (tiles > 0) run_tiles(w, band, tiles, NEST_TILE, output);
    if (rest > 0) { /* overlaps the tile before, if there is one */
      const int32_t ox = tiles > 0 ? op->out_w - NEST_TILE : 0;
      run_tiles(w, band + ox * layout->step_bytes, 1,
                at_most(op->out_w, NEST_TILE), output + ox * op->out_c);
    }
    output += op->out_w * op->out_c;
  }
}

/* The inputs of tiles of a 1x1 kernel, wherever they are. */
static void copy_tiles(const walk* w, const int8_t* input, int32_t first,
                       int32_t count, int32_t pixels) {
  const nest_op* op = w->op;
  const nest_layout* layout = w->layout;
  if (op->stride_h == 1 && op->out_w == op->in_w) {
    nest_mve_copy_pixels(op, layout, input + first * op->in_c, op->in_c,
                         (count - 1) * NEST_TILE + pixels, w->inputs,
                         layout->row_bytes);
    return;
  }
  for (int32_t i = 0; i < (count - 1) * NEST_TILE + pixels; ++i) {
    const int32_t y = (first + i) / op->out_w * op->stride_h;
    const int32_t x = (first + i) % op->out_w * op->stride_w;
    uint8_t* tile = w->inputs + i / NEST_TILE * layout->row_bytes;
    nest_mve_copy_pixels(op, layout, input + (y * op->in_w + x) * op->in_c,
                         op->in_c, 1,
                         tile + i % NEST_TILE * layout->pixel_bytes, 0);
  }
}

/* Tiles of a 1x1 kernel: `count` of them from pixel `first` on. */
static void walk_tiles(walk* w, const int8_t* input, int32_t first,
                       int32_t count, int32_t pixels, int8_t* output) {
  const nest_op* op = w->op;
  const int32_t held = nest_mve_held(op, w->layout);
  output += first * op->out_c;
  /* Gathers take whole words. */
  if (op->block_cols != 16 && op->stride_h == 1 && op->out_w == op->in_w &&
      (uintptr_t)input % 4 == 0) {
    run_tiles(w, (const uint8_t*)input + first * op->in_c, count, pixels,
              output);
    return;
  }
  while (count > 0) {
    const int32_t now = at_most(count, held);
    copy_tiles(w, input, first, now, pixels);
    first += now * NEST_TILE;
    run_tiles(w, w->inputs, now, pixels, output);
    output += now * NEST_TILE * op->out_c;
    count -= now;
  }
}

static void walk_1x1(walk* w, const int8_t* input, int8_t* output) {
  const int32_t total = w->op->out_h * w->op->out_w;
  const int32_t tiles = total / NEST_TILE;
  if (tiles > 0) walk_tiles(w, input, 0, tiles, NEST_TILE, output);
  if (total % NEST_TILE > 0) {
    walk_tiles(w, input, tiles > 0 ? total - NEST_TILE : 0, 1,
               at_most(total, NEST_TILE), output);
  }
}

static nest_mve_kernel* kernel_of(int32_t cols, int in_fours) {
  if (in_fours) {
    return cols == 16  ? nest_mve_rows_1x16
           : cols == 4 ? nest_mve_rows_1x4
           : cols == 2 ? nest_mve_rows_1x2
                       : nest_mve_rows_1x1;
  }
  return cols == 16  ? nest_mve_any_1x16
         : cols == 4 ? nest_mve_any_1x4
         : cols == 2 ? nest_mve_any_1x2
                     : nest_mve_any_1x1;
}

/* A bound in each word, or in each byte. */
static void set_bound(int32_t* words, int32_t bound, int in_bytes) {
  if (in_bytes) bound = (int32_t)((uint32_t)(uint8_t)bound * 0x01010101u);
  for (int32_t i = 0; i < 4; ++i) words[i] = bound;
}

/* Refer header file for details. */
void nest_mve_run(const nest_op* op, int32_t level, const int8_t* input,
                  int8_t* output, void* scratch) {
  if (nest_is_vector(op)) {
    nest_mve_run_vector(op, level, input, output, scratch);
    return;
  }
  const int in_fours =
      op->common_shifts && op->out_c % 4 == 0 && (uintptr_t)output % 4 == 0;
  nest_layout layout;
  nest_find_byte_layout(op, op->block_cols, &layout);
  nest_mve_row* rows = (nest_mve_row*)scratch;
  walk w;
  w.op = op;
  w.layout = &layout;
  w.kernel = kernel_of(op->block_cols, in_fours);
  const int32_t plans = nest_mve_plans(op);
  w.padded_w =
      (op->out_w - 1) * op->stride_w + (op->kernel_w - 1) * op->dilation_w + 1;
  w.unused = (uint8_t*)(rows + plans);
  w.inputs = w.unused + nest_mve_unused(op);
  /* cppcheck-suppress uninitvar ; an array, which set_bound fills */
  set_bound(w.tiles.least, op->act_min, in_fours);
  set_bound(w.tiles.most, op->act_max, in_fours);
  w.tiles.rows = rows;
  w.tiles.zero_point = op->output_zero_point;
  w.tiles.output_step = NEST_TILE * op->out_c;
  /* From one tile of a 1x1 kernel to the next. */
  const int is_1x1 = op->kernel_h == 1 && op->kernel_w == 1;
  w.tiles.input_step =
      is_1x1 ? layout.row_bytes : NEST_TILE * layout.step_bytes;
  const uint8_t* stream = (const uint8_t*)op->values;
  for (int32_t first = 0; first < op->out_c; first += plans) {
    const int32_t channels = at_most(op->out_c - first, plans);
    nest_mve_plan_rows(op, level, first, channels, in_fours, &stream, rows);
    w.tiles.channels = -channels;
    if (is_1x1) {
      walk_1x1(&w, input, output + first);
    } else {
      walk_band(&w, input, output + first);
    }
  }
}
#else
typedef int nest_mve_run_is_for_mve; /* ISO C wants a declaration */
#endif
