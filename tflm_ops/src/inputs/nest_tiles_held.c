#include "../direct.h"

/* More of them gain little. */
#define MOST_TILES 8
/* Of the plans' and the taps' bytes in the bound, those that no part takes. */
#define SPARE                                                          \
  ((NEST_MAX_PLANS - NEST_PART_CHANNELS) * (int64_t)sizeof(nest_row) + \
   NEST_BAND_SPARE + 1000)

/* Refer header file for details. */
int32_t nest_tiles_held(const nest_op* op, const nest_layout* layout) {
  if (op->out_c <= NEST_MAX_PLANS || op->kernel_h > 1 || op->kernel_w > 1) {
    return 1;
  }
  const int32_t pixels = layout->tile;
  const int32_t tiles = (op->out_h * op->out_w + pixels - 1) / pixels;
  const int64_t most = (nest_scratch_rows(op) + SPARE) / layout->row_bytes;
  const int32_t held = most < MOST_TILES ? (int32_t)most : MOST_TILES;
  return held < tiles ? held : tiles;
}

/* Refer header file for details. */
size_t nest_walk_buffer_size(const nest_op* op, const nest_layout* layout) {
  return (size_t)nest_plans(op) * sizeof(nest_row) +
         (size_t)layout->held * (size_t)layout->rows *
             (size_t)layout->row_bytes +
         NEST_BAND_SLACK;
}
