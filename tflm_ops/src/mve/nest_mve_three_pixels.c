#include "mve_dense.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_requantize.h"

/* Two rows of weights times three pixels. In C, for each byte i of a row:
 *   r0 += r7[i] * r1[i]; r2 += r7[i] * r3[i]; r4 += r7[i] * r5[i];
 *   r6 += r9[i] * r1[i]; r8 += r9[i] * r3[i]; r10 += r9[i] * r5[i];
 * with r9 = r7 + r11 and r12 bytes of a row. */
#define TWO_ROWS                \
  "add r9, r7, r11\n\t"         \
  "movs r0, #0\n\t"             \
  "movs r2, #0\n\t"             \
  "movs r4, #0\n\t"             \
  "movs r6, #0\n\t"             \
  "mov r8, #0\n\t"              \
  "mov r10, #0\n\t"             \
  "dlstp.8 lr, r12\n"           \
  "2:\n\t"                      \
  "vldrb.8 q0, [r7], #16\n\t"   \
  "vldrb.8 q1, [r1], #16\n\t"   \
  "vmladava.s8 r0, q0, q1\n\t"  \
  "vldrb.8 q2, [r3], #16\n\t"   \
  "vmladava.s8 r2, q0, q2\n\t"  \
  "vldrb.8 q3, [r5], #16\n\t"   \
  "vmladava.s8 r4, q0, q3\n\t"  \
  "vldrb.8 q0, [r9], #16\n\t"   \
  "vmladava.s8 r6, q0, q1\n\t"  \
  "vmladava.s8 r8, q0, q2\n\t"  \
  "vmladava.s8 r10, q0, q3\n\t" \
  "letp lr, 2b\n\t"

/* Four channels of a pixel, in the register `sum`, to `output`. */
#define STORE_PIXEL(requantize, sum, output)        \
  requantize(sum, "q1", "q2", "q3") NEST_MVE_CLAMP( \
      sum, "r7", "q7", "q0") "vstrb.32 " sum ", [" output "], #4\n\t"
#define STORE_PIXELS(requantize)      \
  STORE_PIXEL(requantize, "q4", "r4") \
  STORE_PIXEL(requantize, "q5", "r5") \
  STORE_PIXEL(requantize, "q6", "r6")

/* Stores the places of weights to outputs, goes on with the next four channels
 * or returns. */
#define NEXT_ROWS                            \
  "add lr, sp, #12\n\t"                      \
  "cmp r4, r10\n\t"                          \
  "stm lr, {r0, r1, r2, r3, r4, r5, r6}\n\t" \
  "bne 1b\n\t"                               \
  "add sp, #64\n\t"                          \
  "vpop {d8-d15}\n\t"                        \
  "pop {r4-r11, pc}\n"

/* Refer header file for details; the C below. On the stack: a copy of *tile.
 * r11: from a row to the one after the next; r12: bytes of a row; q7: act_min.
 */
void __attribute__((naked))
nest_mve_three_pixels(__attribute__((unused)) const nest_mve_tile* tile) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "vpush {d8-d15}\n\t"
      "add lr, r0, #32\n\t"
      "ldm lr, {r1, r2, r3, r4, r5, r6, r7, r8}\n\t"
      "lsl r11, r8, #1\n\t"
      "ldr r8, [r0, #64]\n\t" /* any_shift in the place of pitch */
      "push {r1, r2, r3, r4, r5, r6, r7, r8}\n\t"
      "ldm r0, {r1, r2, r3, r4, r5, r6, r7, r8}\n\t"
      "push {r1, r2, r3, r4, r5, r6, r7, r8}\n\t"
      "ldr r12, [sp, #40]\n\t"
      "ldr r0, [sp, #52]\n\t"
      "vdup.32 q7, r0\n"
      "1:\n\t" /* four channels: rows 0 and 2, then 1 and 3 */
      "ldm sp, {r1, r3, r5, r7}\n\t" TWO_ROWS
      "vmov q4[2], q4[0], r0, r6\n\t"
      "vmov q5[2], q5[0], r2, r8\n\t"
      "vmov q6[2], q6[0], r4, r10\n\t"
      "ldm sp, {r1, r3, r5, r7}\n\t"
      "add r7, r7, r11, lsr #1\n\t" TWO_ROWS
      "vmov q4[3], q4[1], r0, r6\n\t"
      "vmov q5[3], q5[1], r2, r8\n\t"
      "vmov q6[3], q6[1], r4, r10\n\t"
      /* weights, bias, multiplier, shift, outputs */
      "add lr, sp, #12\n\t"
      "ldm lr, {r0, r1, r2, r3, r4, r5, r6}\n\t"
      "vldrw.32 q0, [r1], #16\n\t"
      "add r0, r0, r11, lsl #1\n\t"
      "vadd.i32 q4, q4, q0\n\t"
      "vldrw.32 q1, [r2], #16\n\t"
      "vadd.i32 q5, q5, q0\n\t"
      "vldrb.s32 q2, [r3], #4\n\t"
      "vadd.i32 q6, q6, q0\n\t"
      "ldrd r10, r7, [sp, #44]\n\t" /* end, zero_point */
      "ldrd r8, r9, [sp, #56]\n\t"  /* act_max, any_shift */
      "cmp r9, #0\n\t"
      "bne 3f\n\t"
      "vdup.32 q0, r8\n\t" STORE_PIXELS(NEST_MVE_REQUANTIZE) NEXT_ROWS
      "3:\n\t"
      "vmov.i32 q3, #0\n\t"
      "vmax.s32 q0, q2, q3\n\t"
      "vmin.s32 q2, q2, q3\n\t"
      "vshl.s32 q4, q4, q0\n\t"
      "vshl.s32 q5, q5, q0\n\t"
      "vshl.s32 q6, q6, q0\n\t"
      "vdup.32 q0, r8\n\t" STORE_PIXELS(NEST_MVE_REQUANTIZE_ANY) NEXT_ROWS);
}
#else

/* Refer header file for details. */
void nest_mve_three_pixels(const nest_mve_tile* tile) {
  nest_mve_tile one = *tile;
  for (int32_t t = 0; t < NEST_MVE_PIXELS; ++t) {
    one.inputs[0] = tile->inputs[t];
    one.outputs[0] = tile->outputs[t];
    one.end = tile->outputs[t] + (tile->end - tile->outputs[0]);
    nest_mve_one_pixel(&one);
  }
}
#endif
