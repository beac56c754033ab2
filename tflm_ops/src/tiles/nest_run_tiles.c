#include "../internal.h"

void nest_run_tiles(const nest_op* op, int32_t level, const int8_t* input,
                    int8_t* output, int16_t* patches) {
  const int32_t total = op->out_h * op->out_w;
  const int32_t most = nest_tile_of(op);
  for (int32_t first = 0; first < total; first += most) {
    const int32_t left = total - first;
    const int32_t pixels = left < most ? left : most;
    const int32_t tile = pixels == 1 ? 1 : most;
    nest_gather_patches(op, input, first, pixels, tile, patches);
    nest_multiply_tile(op, level, patches, pixels, tile,
                       output + first * nest_out_pitch(op));
  }
}
