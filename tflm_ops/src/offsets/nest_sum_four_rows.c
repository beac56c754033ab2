#include <string.h>

#include "../dense/dense.h"

#if defined(__ARM_FEATURE_DSP)

/* Four channels of two rows, the second r1 bytes after the first at `weights`:
 *   sum0 += weights[c] * inputs[c]; sum1 += weights[r1 + c] * inputs[c];
 * inputs in r8 and r9. */
#define TWO_ROWS(weights, sum0, sum1) \
  "ldr r10, [" weights                \
  ", r1]\n\t"                         \
  "ldr lr, [" weights                 \
  "], #4\n\t"                         \
  "sxtb16 r11, r10\n\t"               \
  "sxtb16 r10, r10, ror #8\n\t"       \
  "smlad " sum1 ", r8, r11, " sum1    \
  "\n\t"                              \
  "smlad " sum1 ", r9, r10, " sum1    \
  "\n\t"                              \
  "sxtb16 r11, lr\n\t"                \
  "sxtb16 lr, lr, ror #8\n\t"         \
  "smlad " sum0 ", r8, r11, " sum0    \
  "\n\t"                              \
  "smlad " sum0 ", r9, lr, " sum0 "\n\t"

/* Refer header file for details. */
void __attribute__((naked))
nest_sum_four_rows(__attribute__((unused)) const int8_t* weights,
                   __attribute__((unused)) int32_t row_step,
                   __attribute__((unused)) const uint8_t* inputs,
                   __attribute__((unused)) int32_t quads,
                   __attribute__((unused)) int32_t* acc) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "ldr r12, [sp, #36]\n\t"
      "ldm r12, {r4, r5, r6, r7}\n\t"
      "add r12, r0, r1, lsl #1\n"
      "1:\n\t"
      "ldrd r8, r9, [r2], #8\n\t"
      TWO_ROWS("r0", "r4", "r5")
      TWO_ROWS("r12", "r6", "r7")
      "subs r3, #1\n\t"
      "bne 1b\n\t"
      "ldr r12, [sp, #36]\n\t"
      "stm r12, {r4, r5, r6, r7}\n\t"
      "pop {r4-r11, pc}\n");
}
#else

/* Refer header file for details. */
void nest_sum_four_rows(const int8_t* weights, int32_t row_step,
                        const uint8_t* inputs, int32_t quads, int32_t* acc) {
  for (int32_t quad = 0; quad < quads; ++quad, weights += 4) {
    int16_t x[4]; /* channels 0 2 1 3 */
    memcpy(x, inputs + 8 * quad, sizeof(x));
    for (int32_t row = 0; row < 4; ++row) {
      const int8_t* w = weights + row * row_step;
      acc[row] += w[0] * x[0] + w[2] * x[1] + w[1] * x[2] + w[3] * x[3];
    }
  }
}
#endif
