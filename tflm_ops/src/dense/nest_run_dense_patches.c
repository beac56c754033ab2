#include <string.h>

#include "../widths/widths.h"
#include "dense.h"
#include "patches.h"

/* What the scratch holds. */
typedef struct parts {
  nest_row* rows;
  uint8_t* inputs;  /* NEST_TILE expanded patches, laid out as a 1x1 tile */
  int8_t* patches;  /* [NEST_TILE][padded] */
  int8_t* last_row; /* the last row of weights, filled up */
  int32_t padded;   /* columns in multiples of 4 */
  nest_op flat;     /* for the expansion: with the columns as channels */
} parts;

NEST_AROUND static parts split(const nest_op* op, void* scratch) {
  parts p;
  p.padded = (op->columns + 3) / 4 * 4;
  p.flat = *op;
  p.flat.in_c = p.padded;
  p.rows = (nest_row*)scratch;
  p.inputs = (uint8_t*)(p.rows + nest_patch_plans(op));
  p.patches = (int8_t*)p.inputs + 2 * NEST_TILE * p.padded;
  p.last_row = p.patches + NEST_TILE * p.padded;
  return p;
}

/* The last row's weights are read beyond its end: its copy has zeros there, and
 * so do the expanded inputs of all. */
NEST_AROUND static void fill(const nest_op* op, const parts* p) {
  memset(p->patches, op->input_zero_point, (size_t)(NEST_TILE * p->padded));
  memset(p->last_row, 0, (size_t)p->padded);
  memcpy(p->last_row, op->dense + (op->out_c - 1) * nest_row_pitch(op),
         (size_t)op->columns);
}

NEST_AROUND static void plan_rows(const nest_op* op, int32_t level,
                                  int32_t first, int32_t channels,
                                  const parts* p) {
  nest_plan_active(op, level, first, channels, p->rows);
  for (int32_t r = 0; r < channels; ++r) {
    const int32_t c = first + r;
    const int8_t* weights =
        c == op->out_c - 1 ? p->last_row : op->dense + c * nest_row_pitch(op);
    p->rows[r].stream = (const uint8_t*)weights;
    p->rows[r].entries = 0;
  }
}

/* The next `pixels` pixels. Of three, the tile has the second one twice. */
static void expand_patches(const nest_op* op, nest_patches* patches,
                           int32_t pixels, const parts* p) {
  const nest_layout layout = {.lanes = 4, .plane_bytes = 8 * NEST_TILE};
  int8_t* to = p->patches;
  for (int32_t t = 0; t < pixels; ++t, to += p->padded) {
    const int8_t* patch = nest_next_patch(patches, to);
    if (patch != to) memcpy(to, patch, (size_t)op->columns);
    if (pixels == 3 && t == 1) {
      memcpy(to + p->padded, to, (size_t)p->padded);
      to += p->padded;
    }
  }
  nest_expand_pixels(&p->flat, &layout, p->patches, p->padded, NEST_TILE,
                     p->inputs);
}

static void run_channels(const nest_op* op, int32_t channels,
                         const int8_t* input, int8_t* output, const parts* p) {
  const nest_dense_tap tap = {p->padded / 4, 0, 0};
  const int32_t pitch = nest_out_pitch(op);
  nest_patches patches = nest_patches_of(op, input);
  nest_dense_tile dense = {{0, 0, 0, 0, 0, 0}, &tap, &tap + 1, 0};
  int32_t pixels;
  for (int32_t left = op->out_h * op->out_w; left > 0; left -= pixels) {
    pixels = left < NEST_TILE ? left : NEST_TILE;
    expand_patches(op, &patches, pixels, p);
    dense.tile.inputs = p->inputs;
    dense.tile.rows = p->rows;
    dense.tile.output = output;
    dense.tile.end = output + channels;
    dense.tile.step1 = pixels > 1 ? pitch : 0;
    dense.tile.step2 = pixels == NEST_TILE ? 2 * pitch
                       : pixels == 3       ? pitch
                                           : 0;
    nest_rows_dense(&dense);
    output += pixels * pitch;
  }
}

/* Refer header file for details. */
void nest_run_dense_patches(const nest_op* op, int32_t level,
                            const int8_t* input, int8_t* output,
                            void* scratch) {
  const parts p = split(op, scratch);
  fill(op, &p);
  const int32_t most = nest_patch_plans(op);
  for (int32_t first = 0; first < op->out_c; first += most) {
    const int32_t left = op->out_c - first;
    const int32_t channels = left < most ? left : most;
    plan_rows(op, level, first, channels, &p);
    run_channels(op, channels, input, output + first, &p);
  }
  nest_clamp(
      op, output,
      (size_t)op->out_h * (size_t)op->out_w * (size_t)nest_out_pitch(op));
}
