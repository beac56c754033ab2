#include "../internal.h"

/* Refer header file for details. */
int32_t nest_tile_of(const nest_op* op) {
  /* A single vector, as in most fully connected ops, wastes no lanes. */
  if (op->out_h * op->out_w == 1) return 1;
  const int64_t patches = (int64_t)op->columns * NEST_TILE * 2;
  return patches <= nest_scratch_rows(op) + NEST_PATCHES_SPARE ? NEST_TILE : 1;
}

/* Refer header file for details. */
size_t nest_tiles_buffer_size(const nest_op* op) {
  return (size_t)op->columns * (size_t)nest_tile_of(op) * sizeof(int16_t);
}
