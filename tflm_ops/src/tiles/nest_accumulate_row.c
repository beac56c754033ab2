#include "sums.h"

#if defined(__ARM_FEATURE_DSP)
/* Small: other kernels take what is common. */
static NEST_INLINE void accumulate(const int8_t* row, int32_t columns,
                                   const int16_t* patches, size_t tile,
                                   int32_t* acc) {
  nest_sums sums = nest_load_sums(tile, acc);
  for (const int8_t* const end = row + columns; row != end; ++row) {
    nest_add_column(&sums, row, patches, tile);
    patches += tile;
  }
  nest_store_sums(&sums, tile, acc);
}
#else
static NEST_INLINE void accumulate(const int8_t* row, int32_t columns,
                                   const int16_t* patches, size_t tile,
                                   int32_t* acc) {
  nest_sums sums = nest_load_sums(tile, acc);
  const int8_t* const end = row + columns;
  const int8_t* const fours = end - columns % 4;
  for (; row != fours; row += 4, patches += 4 * tile) {
    nest_add_4_columns(&sums, row, patches, tile);
  }
  for (; row != end; ++row, patches += tile) {
    nest_add_column(&sums, row, patches, tile);
  }
  nest_store_sums(&sums, tile, acc);
}
#endif

/* Refer header file for details. */
void nest_accumulate_row(const int8_t* row, int32_t columns,
                         const int16_t* patches, int32_t tile, int32_t* acc) {
  if (tile == 1) {
#if defined(__SSE2__)
    /* This loop compilers vectorize, with wider steps. */
    int32_t sum = acc[0];
    for (int32_t i = 0; i < columns; ++i) sum += row[i] * patches[i];
    acc[0] = sum;
#else
    accumulate(row, columns, patches, 1, acc);
#endif
  } else {
    accumulate(row, columns, patches, NEST_TILE, acc);
  }
}
