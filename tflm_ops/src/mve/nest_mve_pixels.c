#include "mve_dense.h"

/* On by `channels`, which may be negative. */
static void move(nest_mve_tile* tile, int32_t channels) {
  tile->weights += channels * tile->pitch;
  tile->bias += channels;
  tile->multiplier += channels;
  tile->shift += channels;
  for (int32_t t = 0; t < NEST_MVE_PIXELS; ++t) tile->outputs[t] += channels;
}

/* Refer header file for details. */
void nest_mve_pixels(nest_mve_tile* tile) {
  const int32_t channels = (int32_t)(tile->end - tile->outputs[0]);
  const int32_t rest = channels % NEST_MVE_ROWS;
  if (channels < NEST_MVE_ROWS) {
    nest_mve_tile one = *tile;
    for (int32_t t = 0; t < NEST_MVE_PIXELS; ++t) {
      one.inputs[0] = tile->inputs[t];
      one.outputs[0] = tile->outputs[t];
      one.end = tile->outputs[t] + channels;
      nest_mve_one_pixel(&one);
    }
    return;
  }
  tile->end -= rest;
  nest_mve_three_pixels(tile);
  tile->end += rest;
  if (rest == 0) return;
  /* The last four channels: some of them again. */
  move(tile, channels - NEST_MVE_ROWS);
  nest_mve_three_pixels(tile);
  move(tile, NEST_MVE_ROWS - channels);
}
