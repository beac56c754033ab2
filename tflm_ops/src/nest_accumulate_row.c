#include "internal.h"

void nest_accumulate_row(const int8_t* row, int32_t columns,
                         const int16_t* patches, int32_t tile, int32_t* acc) {
  if (tile == 1) {
    int32_t sum = acc[0];
    for (int32_t i = 0; i < columns; ++i) sum += row[i] * patches[i];
    acc[0] = sum;
    return;
  }
  int32_t sums[NEST_TILE] = {acc[0], acc[1], acc[2], acc[3]};
  for (int32_t i = 0; i < columns; ++i, patches += NEST_TILE) {
    const int16_t weight = row[i];
    for (int32_t t = 0; t < NEST_TILE; ++t) sums[t] += weight * patches[t];
  }
  for (int32_t t = 0; t < NEST_TILE; ++t) acc[t] = sums[t];
}
