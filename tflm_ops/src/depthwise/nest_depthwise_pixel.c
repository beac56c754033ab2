#include "depthwise.h"

#if defined(__ARM_FEATURE_DSP)

/* *r1++ = nest_requantize_doubled(2 * sum + bias) by the plan at r0, which goes
 * on by a row.
 *   SMMLAR d, a, b, c: d = (a * b + (c << 32) + (1 << 31)) >> 32 */
#define STORE(sum)                \
  "adds r0, #8\n\t"               \
  "ldm r0!, {r2, r3, r8, r9}\n\t" \
  "add " sum ", r2, " sum         \
  ", lsl #1\n\t"                  \
  "asr r10, " sum                 \
  ", #31\n\t"                     \
  "cmp r3, #0\n\t"                \
  "it lt\n\t"                     \
  "mvnlt r10, r10\n\t"            \
  "add r10, r8\n\t"               \
  "smmlar " sum ", " sum          \
  ", r3, r10\n\t"                 \
  "asr " sum                      \
  ", r9\n\t"                      \
  "ssat " sum ", #8, " sum        \
  "\n\t"                          \
  "strb " sum ", [r1], #1\n\t"

/* Refer header file for details; the C below. Four channels at a time: r0
 * inputs, r1 weights, r2 and r3 their steps, r4-r7 sums, r8 columns left, r12
 * minus_zero. On the stack: rows left, *taps, plans, output, end. */
void __attribute__((naked))
nest_depthwise_pixel(__attribute__((unused)) const nest_taps* taps,
                     __attribute__((unused)) const nest_row* plans,
                     __attribute__((unused)) int8_t* output,
                     __attribute__((unused)) const int8_t* end) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "push {r1, r2, r3}\n\t"
      "ldm r0, {r4, r5, r6, r7, r8, r9, r10, r11, r12}\n\t"
      "push {r4, r5, r6, r7, r8, r9, r10, r11, r12}\n\t"
      "sub sp, #4\n"
      "1:\n\t"
      "ldr r9, [sp, #32]\n\t"
      "ldrd r0, r1, [sp, #4]\n\t"
      "ldrd r2, r3, [sp, #12]\n\t"
      "movs r4, #0\n\t"
      "movs r5, #0\n\t"
      "movs r6, #0\n\t"
      "movs r7, #0\n"
      "2:\n\t" /* a row of taps */
      "str r9, [sp]\n\t"
      "ldr r8, [sp, #28]\n"
      "3:\n\t" /* a tap: channels 0 and 2 in r9 and lr, 1 and 3 in r10, r11 */
      "ldr r10, [r0]\n\t"
      "ldr r11, [r1]\n\t"
      "add r0, r2\n\t"
      "add r1, r3\n\t"
      "sxtab16 r9, r12, r10\n\t"
      "sxtab16 r10, r12, r10, ror #8\n\t"
      "sxtb16 lr, r11\n\t"
      "sxtb16 r11, r11, ror #8\n\t"
      "smlabb r4, r9, lr, r4\n\t"
      "smlabb r5, r10, r11, r5\n\t"
      "smlatt r6, r9, lr, r6\n\t"
      "smlatt r7, r10, r11, r7\n\t"
      "subs r8, #1\n\t"
      "bne 3b\n\t"
      "ldr r9, [sp]\n\t"
      "ldrd r10, r11, [sp, #20]\n\t"
      "add r0, r10\n\t"
      "add r1, r11\n\t"
      "subs r9, #1\n\t"
      "bne 2b\n\t"
      "ldrd r0, r1, [sp, #40]\n\t"
      STORE("r4")
      STORE("r5")
      STORE("r6")
      STORE("r7")
      "strd r0, r1, [sp, #40]\n\t"
      "ldrd r2, r3, [sp, #4]\n\t" /* the next four inputs and weights */
      "ldr r4, [sp, #48]\n\t"
      "adds r2, #4\n\t"
      "adds r3, #4\n\t"
      "strd r2, r3, [sp, #4]\n\t"
      "cmp r1, r4\n\t"
      "bne 1b\n\t"
      "add sp, #52\n\t"
      "pop {r4-r11, pc}\n");
}
#else

/* Refer header file for details. */
void nest_depthwise_pixel(const nest_taps* taps, const nest_row* plans,
                          int8_t* output, const int8_t* end) {
  const int32_t minus_zero = (int16_t)(taps->minus_zero & 0xffffu);
  const int32_t input_row = taps->columns * taps->input_step + taps->input_skip;
  const int32_t weight_row =
      taps->columns * taps->weight_step + taps->weight_skip;
  for (int32_t c = 0; output + c < end; ++c) {
    int32_t acc = 0;
    for (int32_t r = 0; r < taps->rows; ++r) {
      const int8_t* x = taps->inputs + r * input_row + c;
      const int8_t* w = taps->weights + r * weight_row + c;
      for (int32_t k = 0; k < taps->columns; ++k) {
        acc +=
            (x[k * taps->input_step] + minus_zero) * w[k * taps->weight_step];
      }
    }
    output[c] = nest_requantize_doubled(2 * acc + plans[c].bias, &plans[c]);
  }
}
#endif
