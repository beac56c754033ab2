#include "../dense/patches.h"
#include "mve_dense.h"

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
  nest_patches patches = nest_patches_of(op, input);
  const int32_t most = nest_mve_pixels_of(op);
  for (int32_t left = op->out_h * op->out_w; left > 0; left -= most) {
    int8_t* patch = (int8_t*)scratch;
    const int32_t pixels = left < most ? left : most;
    tile.end = output + op->out_c;
    for (int32_t t = 0; t < pixels; ++t) {
      tile.inputs[t] = nest_next_patch(&patches, patch);
      tile.outputs[t] = output;
      patch += op->columns;
      output += nest_out_pitch(op);
    }
    if (pixels == 1) {
      nest_mve_one_pixel(&tile);
      continue;
    }
    if (pixels == 2) { /* the second one twice */
      tile.inputs[2] = tile.inputs[1];
      tile.outputs[2] = tile.outputs[1];
    }
    nest_mve_pixels(&tile);
  }
}
