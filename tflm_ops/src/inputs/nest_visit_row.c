#include "../direct.h"

/* Refer header file for details. */
void nest_visit_row(const nest_walk* walk, const uint8_t* inputs,
                    int32_t pixels, int8_t* output) {
  const int32_t pitch = nest_out_pitch(walk->op);
  const int32_t most = walk->layout->tile;
  nest_tile tile = {inputs, walk->rows, 0, 0, pitch, 2 * pitch};
  output += walk->first;
  int32_t count = most;
  for (int32_t at = 0; at < pixels; at += count) {
    if (pixels >= most) {
      /* The last tile overlaps the one before it. */
      if (at > pixels - most) at = pixels - most;
    } else {
      const int32_t left = pixels - at;
      count = left >= NEST_TILE ? NEST_TILE : left > 1 ? 2 : 1;
      if (count < NEST_TILE) tile.step2 = 0;
      if (count < 2) tile.step1 = 0;
    }
    tile.inputs = inputs + at * walk->layout->step_bytes;
    tile.output = output + at * pitch;
    tile.end = tile.output + walk->channels;
    walk->visit(walk, &tile, count);
  }
}
