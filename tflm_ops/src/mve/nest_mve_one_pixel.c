#include "mve_dense.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_requantize.h"

/* The next four rows, or the next one as four times the same: `channels` of
 * them count. In C, for each byte i of a row:
 *   r0 += r3[i] * r1[i]; r2 += r5[i] * r1[i];
 *   r4 += r7[i] * r1[i]; r6 += r9[i] * r1[i];
 * The tile's places go on by `channels` rows. */
static void __attribute__((naked, noinline))
four_rows(__attribute__((unused)) nest_mve_tile* tile,
          __attribute__((unused)) int32_t row_step,
          __attribute__((unused)) int32_t channels) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "vpush {d8-d9}\n\t"
      "mov r10, r0\n\t"
      "mov r11, r2\n\t"
      "ldr r12, [r10, #40]\n\t" /* columns */
      "ldr r3, [r10, #12]\n\t"  /* weights */
      "add r5, r3, r1\n\t"
      "add r7, r5, r1\n\t"
      "add r9, r7, r1\n\t"
      "ldr r1, [r10]\n\t"
      "movs r0, #0\n\t"
      "movs r2, #0\n\t"
      "movs r4, #0\n\t"
      "movs r6, #0\n\t"
      "dlstp.8 lr, r12\n"
      "1:\n\t"
      "vldrb.8 q0, [r1], #16\n\t"
      "vldrb.8 q1, [r3], #16\n\t"
      "vmladava.s8 r0, q0, q1\n\t"
      "vldrb.8 q2, [r5], #16\n\t"
      "vmladava.s8 r2, q0, q2\n\t"
      "vldrb.8 q3, [r7], #16\n\t"
      "vmladava.s8 r4, q0, q3\n\t"
      "vldrb.8 q1, [r9], #16\n\t"
      "vmladava.s8 r6, q0, q1\n\t"
      "letp lr, 1b\n\t"
      "vmov q4[2], q4[0], r0, r4\n\t"
      "vmov q4[3], q4[1], r2, r6\n\t"
      /* weights, bias, multiplier, shift, output */
      "add lr, r10, #12\n\t"
      "ldm lr, {r0, r1, r2, r3, r4}\n\t"
      "vctp.32 r11\n\t"
      "vpsttt\n\t"
      "vldrwt.32 q0, [r1]\n\t"
      "vldrwt.32 q1, [r2]\n\t"
      "vldrbt.s32 q2, [r3]\n\t"
      "add r7, r10, #48\n\t"
      /* zero_point, act_min, act_max, pitch */
      "ldm r7, {r5, r6, r8, r12}\n\t"
      "vmov.i32 q3, #0\n\t"
      "vadd.i32 q4, q4, q0\n\t"
      "vmax.s32 q0, q2, q3\n\t"
      "vmin.s32 q2, q2, q3\n\t"
      "vshl.s32 q4, q4, q0\n\t" NEST_MVE_REQUANTIZE_ANY("q4", "q1", "q2", "q3")
      "vdup.32 q0, r6\n\t"
      "vdup.32 q1, r8\n\t" NEST_MVE_CLAMP("q4", "r5", "q0", "q1")
      "vpst\n\t"
      "vstrbt.32 q4, [r4]\n\t"
      "mla r0, r11, r12, r0\n\t"
      "add r1, r1, r11, lsl #2\n\t"
      "add r2, r2, r11, lsl #2\n\t"
      "add r3, r11\n\t"
      "add r4, r11\n\t"
      "stm lr, {r0, r1, r2, r3, r4}\n\t"
      "vpop {d8-d9}\n\t"
      "pop {r4-r11, pc}\n");
}

/* Refer header file for details. */
void nest_mve_one_pixel(const nest_mve_tile* tile) {
  nest_mve_tile at = *tile;
  while (at.end - at.outputs[0] >= NEST_MVE_ROWS) {
    four_rows(&at, at.pitch, NEST_MVE_ROWS);
  }
  while (at.outputs[0] != at.end) four_rows(&at, 0, 1);
}
#else
#include "nest/requantize.h"

/* Refer header file for details. */
void nest_mve_one_pixel(const nest_mve_tile* tile) {
  const int32_t channels = (int32_t)(tile->end - tile->outputs[0]);
  for (int32_t c = 0; c < channels; ++c) {
    const int8_t* weights = tile->weights + c * tile->pitch;
    uint32_t sum = (uint32_t)tile->bias[c]; /* wraps around on the way */
    for (int32_t i = 0; i < tile->columns; ++i) {
      sum += (uint32_t)(*weights++ * tile->inputs[0][i]);
    }
    tile->outputs[0][c] =
        nest_output((int32_t)sum, tile->multiplier[c], tile->shift[c],
                    tile->zero_point, tile->act_min, tile->act_max);
  }
}
#endif
