#include "../internal.h"

void nest_accumulate_row(const int8_t* row, int32_t columns,
                         const int16_t* patches, int32_t tile, int32_t* acc) {
  if (tile == 1) {
    int32_t sum = acc[0];
    for (int32_t i = 0; i < columns; ++i) sum += row[i] * patches[i];
    acc[0] = sum;
    return;
  }
  /* Written out: compilers keep an array of sums in memory at -O2. */
  int32_t sum0 = acc[0], sum1 = acc[1], sum2 = acc[2], sum3 = acc[3];
  for (int32_t i = 0; i < columns; ++i, patches += NEST_TILE) {
    const int32_t weight = row[i];
    sum0 += weight * patches[0];
    sum1 += weight * patches[1];
    sum2 += weight * patches[2];
    sum3 += weight * patches[3];
  }
  acc[0] = sum0;
  acc[1] = sum1;
  acc[2] = sum2;
  acc[3] = sum3;
}
