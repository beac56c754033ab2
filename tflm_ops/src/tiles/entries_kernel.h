/* The kernels of nest_find_entries_..., written once. */
#ifndef NEST_SRC_TILES_ENTRIES_KERNEL_H_
#define NEST_SRC_TILES_ENTRIES_KERNEL_H_

#include "entries.h"
#include "sums.h"

/* sums += the weights of a block's row times the patches of its columns. */
static NEST_INLINE void nest_add_block(nest_sums* sums, const int8_t* weights,
                                       const int16_t* patches, size_t cols,
                                       size_t tile) {
  if (cols == 1) {
    nest_add_column(sums, weights, patches, tile);
  } else if (cols == 2) {
    nest_add_2_columns(sums, weights, patches, tile);
  } else {
    const int8_t* const end = weights + cols;
    do {
      nest_add_4_columns(sums, weights, patches, tile);
      weights += 4;
      patches += 4 * tile;
    } while (cols > 4 && weights != end);
  }
}

/* All arguments but the first and the last are constants. */
static NEST_INLINE void nest_sum_entries(const nest_entries* entries,
                                         size_t cols, int lists,
                                         int32_t index_bytes, size_t tile,
                                         int32_t* acc) {
  nest_sums sums = nest_load_sums(tile, acc);
  /* One row: a constant. */
  const size_t step = cols < 4 ? cols : entries->step;
  const uint8_t* counts = entries->counts;
  const uint8_t* index = entries->indices;
  const int8_t* weights = entries->values;
  for (int32_t ring = entries->rings; ring > 0; --ring) {
    const size_t count = nest_load(counts, entries->count_bytes);
    counts += entries->count_bytes;
    const uint8_t* const end = index + count * (size_t)index_bytes;
    const int16_t* patches = entries->patches;
    if (lists) weights = entries->values;
    while (index != end) {
      const size_t blocks = nest_load(index, index_bytes);
      index += index_bytes;
      patches += blocks * cols * tile;
      if (lists) weights += blocks * cols;
      nest_add_block(&sums, weights, patches, cols, tile);
      if (!lists) weights += step;
    }
  }
  nest_store_sums(&sums, tile, acc);
}

#define NEST_ENTRIES_KERNEL(name, cols, lists, index_bytes, tile)   \
  static void name(const nest_entries* entries, int32_t* acc) {     \
    nest_sum_entries(entries, cols, lists, index_bytes, tile, acc); \
  }

/* nest_find_entries_<cols> */
#define NEST_ENTRIES_KERNELS(cols)                                          \
  NEST_ENTRIES_KERNEL(blocks_1_tile, cols, 0, 1, NEST_TILE)                 \
  NEST_ENTRIES_KERNEL(blocks_2_tile, cols, 0, 2, NEST_TILE)                 \
  NEST_ENTRIES_KERNEL(lists_1_tile, cols, 1, 1, NEST_TILE)                  \
  NEST_ENTRIES_KERNEL(lists_2_tile, cols, 1, 2, NEST_TILE)                  \
  NEST_ENTRIES_KERNEL(blocks_1_pixel, cols, 0, 1, 1)                        \
  NEST_ENTRIES_KERNEL(blocks_2_pixel, cols, 0, 2, 1)                        \
  NEST_ENTRIES_KERNEL(lists_1_pixel, cols, 1, 1, 1)                         \
  NEST_ENTRIES_KERNEL(lists_2_pixel, cols, 1, 2, 1)                         \
  nest_entries_kernel* nest_find_entries_##cols(                            \
      int lists, int32_t index_bytes, int32_t tile) {                       \
    static nest_entries_kernel* const kernels[2][2][2] = {                  \
        {{blocks_1_tile, blocks_2_tile}, {lists_1_tile, lists_2_tile}},     \
        {{blocks_1_pixel, blocks_2_pixel}, {lists_1_pixel, lists_2_pixel}}, \
    };                                                                      \
    return kernels[tile == 1][lists != 0][index_bytes == 2];                \
  }

#endif /* NEST_SRC_TILES_ENTRIES_KERNEL_H_ */
