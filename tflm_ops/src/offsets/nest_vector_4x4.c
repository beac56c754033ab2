#include "vector.h"

#if defined(__ARM_FEATURE_DSP)

/* One row of a 4x4 block, inputs in r8 and r9; the C is nest_sum_row's. */
#define ROW(sum, weights)        \
  "sxtb16 r10, " weights         \
  "\n\t"                         \
  "sxtb16 " weights ", " weights \
  ", ror #8\n\t"                 \
  "smlad " sum ", r8, r10, " sum \
  "\n\t"                         \
  "smlad " sum ", r9, " weights ", " sum "\n\t"
#define BLOCK                                                  \
  "ldrd r8, r9, [r8]\n\t"                                      \
  "ldm r1!, {r11, r12, lr}\n\t" ROW("r4", "r11")               \
      ROW("r5", "r12") "ldr r11, [r1], #4\n\t" ROW("r6", "lr") \
          ROW("r7", "r11")

/* Refer header file for details. */
void __attribute__((naked))
nest_vector_4x4(__attribute__((unused)) const nest_vector* vector) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "ldm r0, {r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
      "mov r0, r9\n\t"
      "push {r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11}\n"
      "1:\n\t" /* r1 stream, r3 entries, r4-r7 biases doubled */
      "ldm sp, {r1, r9, r10}\n\t"
      "ldrd r11, r12, [sp, #36]\n\t"
      "ldrh r3, [r9]\n\t"
      "ldrh r2, [r9, r11]\n\t"
      "ldm r10!, {r4, r5, r6, r7}\n\t"
      "add r9, r12\n\t"
      "adds r2, #1\n\t"
      "lsrs r2, #1\n\t"
      "add r2, r2, r2, lsl #3\n\t"
      "add r8, r1, r2, lsl #2\n\t"
      "stm sp, {r8, r9, r10}\n\t"
      "lsls r4, #1\n\t"
      "lsls r5, #1\n\t"
      "lsls r6, #1\n\t"
      "lsls r7, #1\n\t"
      "subs r3, #2\n\t"
      "blt 3f\n"
      "2:\n\t" /* for (; entries >= 2; entries -= 2) */
      "ldr r2, [r1], #4\n\t"
      "uxtah r8, r0, r2\n\t"
      BLOCK
      "add r8, r0, r2, lsr #16\n\t"
      BLOCK
      "subs r3, #2\n\t"
      "bge 2b\n"
      "3:\n\t"
      "adds r3, #1\n\t" /* -2 + 1, or -1 + 1: one more */
      "bne 6f\n\t"
      "ldr r2, [r1], #4\n\t"
      "uxtah r8, r0, r2\n\t"
      BLOCK
      "6:\n\t" /* r1 multiplier, r2 shift, r3 output, r8 half_units, r9 end */
      "add r8, sp, #12\n\t"
      "ldm r8, {r1, r2, r3, r9}\n\t"
      "ldr r8, [sp, #28]\n\t"
      NEST_VECTOR_STORE("r4", "r8")
      NEST_VECTOR_STORE("r5", "r8")
      NEST_VECTOR_STORE("r6", "r8")
      NEST_VECTOR_STORE("r7", "r8")
      "add r8, sp, #12\n\t"
      "stm r8, {r1, r2, r3}\n\t"
      "cmp r3, r9\n\t"
      "bne 1b\n\t"
      "add sp, #44\n\t"
      "pop {r4-r11, pc}\n");
}
#else
typedef int nest_vector_4x4_is_assembly; /* ISO C wants a declaration */
#endif
