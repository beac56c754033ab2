#include <string.h>

#include "dense.h"

#if defined(__ARM_FEATURE_DSP)
#include "../offsets/row_asm.h"

/* Four channels of four pixels: in C, for each pixel t and channel c
 *   sum[t] += weights[c] * inputs[t][c]; weights += 4; inputs += plane
 * r0 inputs, r1 weights, r2 plane_step, r4-r7 sums. */
#define QUAD                        \
  "ldr r12, [r1], #4\n\t"           \
  "ldm r0!, {r8, r9, r10, r11}\n\t" \
  "sxtb16 lr, r12\n\t"              \
  "sxtb16 r12, r12, ror #8\n\t"     \
  "smlad r4, r8, lr, r4\n\t"        \
  "smlad r4, r9, r12, r4\n\t"       \
  "smlad r5, r10, lr, r5\n\t"       \
  "smlad r5, r11, r12, r5\n\t"      \
  "ldm r0!, {r8, r9, r10, r11}\n\t" \
  "add r0, r2\n\t"                  \
  "smlad r6, r8, lr, r6\n\t"        \
  "smlad r6, r9, r12, r6\n\t"       \
  "smlad r7, r10, lr, r7\n\t"       \
  "smlad r7, r11, r12, r7\n\t"

/* Refer header file for details. On the stack: a copy of *tile, whose `taps`
 * runs. */
void __attribute__((naked))
nest_rows_dense(__attribute__((unused)) const nest_dense_tile* tile) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "ldm r0, {r0, r1, r2, r3, r4, r5, r6, r7, r8}\n\t"
      "push {r6}\n\t" /* the first tap */
      "push {r0, r1, r2, r3, r4, r5, r6, r7, r8}\n"
      "1:\n\t" /* a row: r1 weights, r4-r7 bias */
      "ldr r8, [sp, #36]\n\t"
      "ldm r1, {r1, r3, r4}\n\t"
      "ldr r2, [sp, #32]\n\t"
      "mov r5, r4\n\t"
      "mov r6, r4\n\t"
      "mov r7, r4\n"
      "2:\n\t" /* a tap: r0 its inputs, r3 its quads */
      "ldm r8!, {r3, r9, r10}\n\t"
      "str r8, [sp, #24]\n\t"
      "ldr r0, [sp]\n\t"
      "add r1, r10\n\t"
      "add r0, r9\n\t"
      "lsrs r3, #1\n\t" /* two quads at a time, one of them at first if odd */
      "bcs 4f\n"
      "3:\n\t" QUAD
      "subs r3, #1\n"
      "5:\n\t" QUAD
      "bne 3b\n\t"
      "ldrd r8, r9, [sp, #24]\n\t"
      "cmp r8, r9\n\t"
      "bne 2b\n\t"
      "b 6f\n"
      "4:\n\t"
      "cmp r3, #0\n\t"
      "b 5b\n" NEST_ROWS_FINISH("40"));
}
#else

static void sum_pixel(const nest_dense_tile* dense, const nest_row* row,
                      int32_t pixel, int32_t* acc) {
  /* Unsigned: pixels that do not count may sum up anything. */
  uint32_t sum = (uint32_t)row->bias;
  const int8_t* weights = (const int8_t*)row->stream;
  for (const nest_dense_tap* tap = dense->taps; tap < dense->taps_end; ++tap) {
    const uint8_t* from = dense->tile.inputs + tap->offset + 8 * pixel;
    weights += tap->skip;
    for (int32_t quad = 0; quad < tap->quads; ++quad, weights += 4) {
      int16_t inputs[4]; /* channels 0 2 1 3 */
      memcpy(inputs, from, sizeof(inputs));
      sum += (uint32_t)(weights[0] * inputs[0] + weights[2] * inputs[1] +
                        weights[1] * inputs[2] + weights[3] * inputs[3]);
      from += dense->plane_step + 32;
    }
  }
  *acc = (int32_t)sum;
}

/* Refer header file for details. */
void nest_rows_dense(const nest_dense_tile* dense) {
  const nest_tile* tile = &dense->tile;
  const nest_row* row = tile->rows;
  for (int8_t* output = tile->output; output < tile->end; ++output, ++row) {
    for (int32_t t = NEST_TILE - 1; t >= 0; --t) {
      int32_t acc;
      sum_pixel(dense, row, t, &acc);
      output[t / 2 * tile->step2 + t % 2 * tile->step1] =
          nest_requantize_doubled(acc, row);
    }
  }
}
#endif
