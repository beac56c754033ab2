#include "mve_depthwise.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_requantize.h"

/* Adds sixteen sums of products to q4-q7, of channels 4i to 4i + 3: channels
 * 0, 2, 4.. are in the register `even`, 1, 3, 5.. in `odd`. Uses q1 and q3. */
#define WIDEN(even, odd)    \
  "vmovlb.s16 q1, " even    \
  "\n\t"                    \
  "vadd.i32 q4, q4, q1\n\t" \
  "vmovlt.s16 q3, " even    \
  "\n\t"                    \
  "vadd.i32 q6, q6, q3\n\t" \
  "vmovlb.s16 q1, " odd     \
  "\n\t"                    \
  "vadd.i32 q5, q5, q1\n\t" \
  "vmovlt.s16 q3, " odd     \
  "\n\t"                    \
  "vadd.i32 q7, q7, q3\n\t"

/* All taps of sixteen channels: r0 their inputs' places, r3 the base of those,
 * r1 weights, r2 their step. In C, for each pair of taps k and channel c:
 *   sums[c] += (int16_t)(inputs[k][c] * weights[k][c]
 *                        + inputs[k + 1][c] * weights[k + 1][c]);
 * and for each single tap after them:
 *   sums[c] += inputs[k][c] * weights[k][c];
 * With predicated loads (`one`, `two`, `t`), of fewer channels. Even channels'
 * products come from VMULLB, odd ones' from VMULLT. */
#define TAPS(one, two, t) \
  "ldr r4, [r10, #32]\n\t"                      \
  "wls lr, r4, 3f\n"                            \
  "2:\n\t"                                      \
  "ldrd r4, r5, [r0], #8\n\t"                   \
  "add r4, r3\n\t"                              \
  "add r5, r3\n\t" two                          \
  "vldrb" t ".8 q0, [r4]\n\t"                   \
  "vldrb" t ".8 q1, [r1]\n\t"                   \
  "add r1, r2\n\t"                              \
  "vmullb.s8 q2, q0, q1\n\t" one                \
  "vldrb" t ".8 q3, [r1]\n\t"                   \
  "vmullt.s8 q0, q0, q1\n\t" one                \
  "vldrb" t ".8 q1, [r5]\n\t"                   \
  "vmullb.s8 q1, q1, q3\n\t"                    \
  "add r1, r2\n\t"                              \
  "vadd.i16 q2, q2, q1\n\t" one                 \
  "vldrb" t ".8 q1, [r5]\n\t"                   \
  "vmullt.s8 q1, q1, q3\n\t"                    \
  "vadd.i16 q0, q0, q1\n\t" WIDEN("q2", "q0")   \
  "le lr, 2b\n"                                 \
  "3:\n\t"                                      \
  "ldr r4, [r10, #36]\n\t"                      \
  "wls lr, r4, 5f\n"                            \
  "4:\n\t"                                      \
  "ldr r4, [r0], #4\n\t"                        \
  "add r4, r3\n\t" two                          \
  "vldrb" t ".8 q0, [r4]\n\t"                   \
  "vldrb" t ".8 q1, [r1]\n\t"                   \
  "add r1, r2\n\t"                              \
  "vmullb.s8 q2, q0, q1\n\t"                    \
  "vmullt.s8 q0, q0, q1\n\t" WIDEN("q2", "q0")  \
  "le lr, 4b\n"                                 \
  "5:\n\t"

/* Refer header file for details; the C below. r6-r9: shift, output, bias,
 * multiplier; r10 taps; r11 channels left; r12 zero_point. On the stack: the
 * sums of sixteen channels. */
void __attribute__((naked))
nest_mve_depthwise_pixel(__attribute__((unused)) const nest_mve_taps* taps) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "vpush {d8-d15}\n\t"
      "sub sp, #68\n\t"
      "mov r10, r0\n\t"
      "ldrd r8, r9, [r10, #8]\n\t"
      "ldrd r6, r7, [r10, #16]\n\t"
      "ldr r11, [r10, #28]\n\t"
      "ldr r12, [r10, #40]\n\t"
      "ldr r3, [r10, #24]\n\t"
      "ldr r2, [r10, #56]\n"
      "1:\n\t"
      "ldrd r0, r1, [r10]\n\t"
      "sub r1, r11\n\t"
      "vmov.i32 q4, #0\n\t"
      "vmov.i32 q5, #0\n\t"
      "vmov.i32 q6, #0\n\t"
      "vmov.i32 q7, #0\n\t"
      "cmp r11, #16\n\t"
      "blt 8f\n\t" TAPS("", "", "")
      "6:\n\t"
      "mov r4, sp\n\t"
      "vst40.32 {q4, q5, q6, q7}, [r4]\n\t"
      "vst41.32 {q4, q5, q6, q7}, [r4]\n\t"
      "vst42.32 {q4, q5, q6, q7}, [r4]\n\t"
      "vst43.32 {q4, q5, q6, q7}, [r4]\n\t"
      "ldrd r0, r1, [r10, #44]\n\t"
      "vdup.32 q5, r0\n\t" /* act_min, act_max */
      "vdup.32 q6, r1\n\t"
      "mov r0, r11\n\t"
      "cmp r0, #16\n\t"
      "it gt\n\t"
      "movgt r0, #16\n\t"
      "ldr r1, [r10, #52]\n\t"
      "cbnz r1, 9f\n\t"
      "dlstp.32 lr, r0\n"
      "7:\n\t"
      "vldrw.32 q0, [r4], #16\n\t"
      "vldrw.32 q1, [r8], #16\n\t"
      "vadd.i32 q0, q0, q1\n\t"
      "vldrw.32 q1, [r9], #16\n\t"
      "vldrb.s32 q2, [r6], #4\n\t" NEST_MVE_REQUANTIZE("q0", "q1", "q2", "q3")
          NEST_MVE_CLAMP("q0", "r12", "q5", "q6")
      "vstrb.32 q0, [r7], #4\n\t"
      "letp lr, 7b\n"
      "10:\n\t"
      "adds r3, #16\n\t"
      "subs r11, #16\n\t"
      "bgt 1b\n\t"
      "add sp, #68\n\t"
      "vpop {d8-d15}\n\t"
      "pop {r4-r11, pc}\n"
      "9:\n\t"
      "vmov.i32 q4, #0\n\t"
      "dlstp.32 lr, r0\n"
      "7:\n\t"
      "vldrw.32 q0, [r4], #16\n\t"
      "vldrw.32 q1, [r8], #16\n\t"
      "vadd.i32 q0, q0, q1\n\t"
      "vldrb.s32 q2, [r6], #4\n\t"
      "vmax.s32 q3, q2, q4\n\t"
      "vmin.s32 q2, q2, q4\n\t"
      "vshl.s32 q0, q0, q3\n\t"
      "vldrw.32 q1, [r9], #16\n\t" NEST_MVE_REQUANTIZE_ANY("q0", "q1", "q2",
                                                           "q3")
          NEST_MVE_CLAMP("q0", "r12", "q5", "q6")
      "vstrb.32 q0, [r7], #4\n\t"
      "letp lr, 7b\n\t"
      "b 10b\n"
      "8:\n\t"
      "vctp.8 r11\n\t" TAPS("vpst\n\t", "vpstt\n\t", "t")
      "b 6b\n");
}
#else
#include "nest/requantize.h"

/* Refer header file for details. */
void nest_mve_depthwise_pixel(const nest_mve_taps* taps) {
  for (int32_t c = 0; c < taps->channels; ++c) {
    uint32_t sum = (uint32_t)taps->bias[c]; /* wraps around on the way */
    const int8_t* weights = taps->weights - taps->channels + c;
    for (int32_t k = 0; k < 2 * taps->pairs + taps->singles; ++k) {
      const int8_t* inputs = (const int8_t*)(taps->base + taps->inputs[k]);
      sum += (uint32_t)(inputs[c] * weights[k * taps->pitch]);
    }
    taps->output[c] =
        nest_output((int32_t)sum, taps->multiplier[c], taps->shift[c],
                    taps->zero_point, taps->act_min, taps->act_max);
  }
}
#endif
