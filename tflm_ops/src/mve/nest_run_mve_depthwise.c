#include <string.h>

#include "../dense/patches.h"
#include "mve_depthwise.h"

/* Where the inputs of each tap are, from those of the first on. */
static void find_places(const nest_op* op, uintptr_t* places) {
  for (int32_t ky = 0; ky < op->kernel_h; ++ky) {
    for (int32_t kx = 0; kx < op->kernel_w; ++kx) {
      *places++ = nest_place_of(op, ky * op->dilation_h, kx * op->dilation_w);
    }
  }
}

/* The same with `zeros` for the taps in the padding. */
static void find_edge(const nest_op* op, int32_t y, int32_t x, uintptr_t zeros,
                      const uintptr_t* places, uintptr_t* edge) {
  const uint32_t height = (uint32_t)op->in_h, width = (uint32_t)op->in_w;
  const int32_t columns = op->kernel_w, step = op->dilation_w;
  for (int32_t ky = op->kernel_h; ky > 0; --ky, y += op->dilation_h) {
    int32_t at = (uint32_t)y < height ? x : INT32_MIN;
    for (int32_t kx = columns; kx > 0; --kx, at += step) {
      const uintptr_t place = *places++;
      *edge++ = (uint32_t)at < width ? place : zeros;
    }
  }
}

static void run_pixels(const nest_op* op, const int8_t* input,
                       uintptr_t* places, nest_mve_taps* taps) {
  const int32_t last_y = op->in_h - 1 - (op->kernel_h - 1) * op->dilation_h;
  const int32_t last_x = op->in_w - 1 - (op->kernel_w - 1) * op->dilation_w;
  const uintptr_t step = nest_place_of(op, 0, op->stride_w);
  uintptr_t* edge = places + op->columns;
  const uintptr_t zeros = (uintptr_t)(edge + op->columns);
  find_places(op, places);
  memset(edge + op->columns, op->input_zero_point, (size_t)op->in_c);
  int32_t y = -op->pad_top;
  for (int32_t oy = 0; oy < op->out_h; ++oy, y += op->stride_h) {
    int32_t x = -op->pad_left;
    /* As a number: it may lie in the padding. */
    taps->base = (uintptr_t)input + nest_place_of(op, y, x);
    for (int32_t ox = 0; ox < op->out_w; ++ox, x += op->stride_w) {
      taps->inputs = places;
      if (y < 0 || y > last_y || x < 0 || x > last_x) {
        find_edge(op, y, x, zeros - taps->base, places, edge);
        taps->inputs = edge;
      }
      nest_mve_depthwise_pixel(taps);
      taps->output += nest_out_pitch(op);
      taps->base += step;
    }
  }
}

/* Refer header file for details. */
void nest_run_mve_depthwise(const nest_op* op, int32_t level,
                            const int8_t* input, int8_t* output,
                            void* scratch) {
  const int32_t table = op->level_table[level] * op->out_c;
  nest_mve_taps taps;
  taps.weights = op->dense + op->out_c;
  taps.pitch = nest_out_pitch(op);
  taps.bias = nest_folded_row(op, level);
  taps.multiplier = op->multiplier + table;
  taps.shift = op->shift + table;
  taps.output = output;
  taps.channels = op->out_c;
  taps.pairs = nest_mve_has_minimum(op->dense, op->columns * nest_out_pitch(op))
                   ? 0
                   : op->columns / 2;
  taps.singles = op->columns - 2 * taps.pairs;
  taps.zero_point = op->output_zero_point;
  taps.act_min = op->act_min;
  taps.act_max = op->act_max;
  taps.any_shift = !op->common_shifts;
  run_pixels(op, input, (uintptr_t*)scratch, &taps);
}
