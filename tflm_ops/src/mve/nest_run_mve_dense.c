#include "../dense/patches.h"
#include "../widths/widths.h"
#include "mve_dense.h"

/* The outputs of a level in whole rows of the kernel, the others filled. */
NEST_AROUND static int32_t outputs_of(const nest_op* op, int32_t level,
                                      int8_t* output) {
  const int32_t rows = NEST_MVE_ROWS;
  const int32_t outputs =
      (nest_active_outputs(op, level) + rows - 1) / rows * rows;
  if (outputs >= op->out_c) return op->out_c;
  nest_fill_outputs(op, output);
  return outputs;
}

/* All pixels, of the tile's columns and `outputs` channels. */
static void run_pixels(const nest_op* op, nest_mve_tile* tile, int32_t outputs,
                       const int8_t* input, int8_t* output, void* scratch) {
  nest_patches patches = nest_patches_of(op, input);
  const int32_t most = nest_mve_pixels_of(op);
  for (int32_t left = op->out_h * op->out_w; left > 0; left -= most) {
    int8_t* patch = (int8_t*)scratch;
    const int32_t pixels = left < most ? left : most;
    tile->end = output + outputs;
    for (int32_t t = 0; t < pixels; ++t) {
      tile->inputs[t] = nest_next_patch(&patches, patch);
      tile->outputs[t] = output;
      patch += op->columns;
      output += nest_out_pitch(op);
    }
    if (pixels == 1) {
      nest_mve_one_pixel(tile);
      continue;
    }
    if (pixels == 2) { /* the second one twice */
      tile->inputs[2] = tile->inputs[1];
      tile->outputs[2] = tile->outputs[1];
    }
    nest_mve_pixels(tile);
  }
}

/* Refer header file for details. */
void nest_run_mve_dense(const nest_op* op, int32_t level, const int8_t* input,
                        int8_t* output, void* scratch) {
  const int32_t table = op->level_table[level] * op->out_c;
  nest_mve_tile tile;
  tile.weights = op->dense;
  tile.bias = nest_folded_row(op, level);
  tile.multiplier = op->multiplier + table;
  tile.shift = op->shift + table;
  tile.columns = op->columns;
  tile.pitch = nest_row_pitch(op);
  tile.zero_point = op->output_zero_point;
  tile.act_min = op->act_min;
  tile.act_max = op->act_max;
  tile.any_shift = !op->common_shifts;
  if (!nest_has_widths(op)) {
    run_pixels(op, &tile, op->out_c, input, output, scratch);
    return;
  }
  /* The folded biases of a 1x1 kernel are of the level's inputs. */
  if (nest_taps_of(op) == 1) tile.columns = nest_active_end(op, level);
  const int32_t outputs = outputs_of(op, level, output);
  run_pixels(op, &tile, outputs, input, output, scratch);
  nest_fill_rest(op, nest_active_outputs(op, level), outputs, output);
}
