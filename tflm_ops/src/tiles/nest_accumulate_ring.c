#include "../internal.h"

/* Written once for all shapes; the constants at each call below make it a
 * kernel of its own, with the block unrolled and the sums in registers. */
static inline void accumulate(const nest_ring* ring, size_t rows, size_t cols,
                              size_t tile, int32_t* acc) {
  int32_t sums[NEST_MAX_BLOCK_ROWS * NEST_TILE];
  const uint8_t* indices = ring->indices;
  const int8_t* values = ring->values;
  size_t block = 0;
  for (size_t i = 0; i < rows * tile; ++i) sums[i] = acc[i];
  for (uint32_t entry = 0; entry < ring->entries; ++entry) {
    block += nest_load(indices, ring->index_bytes);
    indices += ring->index_bytes;
    const int16_t* patch = ring->patches + block * cols * tile;
    const int8_t* weights = values + block * ring->column_step;
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < cols; ++c) {
        const int16_t weight = weights[r * ring->row_step + c];
        for (size_t t = 0; t < tile; ++t) {
          sums[r * tile + t] += weight * patch[c * tile + t];
        }
      }
    }
    values += ring->entry_step;
  }
  for (size_t i = 0; i < rows * tile; ++i) acc[i] = sums[i];
}

#if !defined(__ARM_FEATURE_DSP)
static inline void accumulate_tile(const nest_op* op, const nest_ring* ring,
                                   size_t tile, int32_t* acc) {
  switch (op->block_rows * 256 + op->block_cols) {
    case 1 * 256 + 1:
      accumulate(ring, 1, 1, tile, acc);
      break;
    case 1 * 256 + 2:
      accumulate(ring, 1, 2, tile, acc);
      break;
    case 1 * 256 + 4:
      accumulate(ring, 1, 4, tile, acc);
      break;
    case 1 * 256 + 16:
      accumulate(ring, 1, 16, tile, acc);
      break;
    case 4 * 256 + 4:
      accumulate(ring, 4, 4, tile, acc);
      break;
    case 4 * 256 + 16:
      accumulate(ring, 4, 16, tile, acc);
      break;
    default:
      accumulate(ring, (size_t)op->block_rows, (size_t)op->block_cols, tile,
                 acc);
      break;
  }
}
#endif

void nest_accumulate_ring(const nest_op* op, const nest_ring* ring,
                          int32_t tile, int32_t* acc) {
#if defined(__ARM_FEATURE_DSP)
  /* Small: other kernels take what is common. */
  accumulate(ring, (size_t)op->block_rows, (size_t)op->block_cols, (size_t)tile,
             acc);
#else
  if (tile == 1) {
    accumulate_tile(op, ring, 1, acc);
  } else {
    accumulate_tile(op, ring, NEST_TILE, acc);
  }
#endif
}
