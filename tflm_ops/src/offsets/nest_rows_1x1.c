#include "../direct.h"

#if !defined(__ARM_FEATURE_DSP)
/* Refer header file for details. */
void nest_rows_1x1(const nest_tile* tile, int32_t step4, const nest_op* op) {
  nest_rows_portable(op, tile, NEST_MAX_TILE, step4);
}
#else
#include "row_asm.h"

/* One weight (the upper half of r2) times eight pixels; the C is
 * nest_sum_row's. Loads of single words, since pixels may lie at odd
 * half-words. */
#define TWO_PIXELS(at, even, odd)  \
  "ldr lr, [r12, #" #at            \
  "]\n\t"                          \
  "smlabt " even ", lr, r2, " even \
  "\n\t"                           \
  "smlatt " odd ", lr, r2, " odd "\n\t"
#define ENTRY                                                                 \
  "ldr r2, [r1], #4\n\t"                                                      \
  "uxtah r12, r0, r2\n\t" TWO_PIXELS(0, "r4", "r5") TWO_PIXELS(4, "r6", "r7") \
      TWO_PIXELS(8, "r8", "r9") TWO_PIXELS(12, "r10", "r11")
/* sum = nest_requantize_doubled(sum): multiplier r1, half r2, shift r3. */
#define REQUANTIZE(sum)  \
  "add lr, r2, " sum     \
  ", asr #31\n\t"        \
  "smmlar " sum ", " sum \
  ", r1, lr\n\t"         \
  "asr " sum             \
  ", r3\n\t"             \
  "ssat " sum ", #8, " sum "\n\t"

/* Refer header file for details. On the stack: the fields of nest_tile, step4.
 */
void __attribute__((naked))
nest_rows_1x1(__attribute__((unused)) const nest_tile* tile,
              __attribute__((unused)) int32_t step4,
              __attribute__((unused)) const nest_op* op) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "push {r1}\n\t"
      "ldm r0, {r0, r1, r2, r3, r4, r5}\n\t"
      "push {r0, r1, r2, r3, r4, r5}\n"
      "1:\n\t"
      "ldm r1, {r1, r3, r4}\n\t"
      "mov r5, r4\n\t"
      "mov r6, r4\n\t"
      "mov r7, r4\n\t"
      "mov r8, r4\n\t"
      "mov r9, r4\n\t"
      "mov r10, r4\n\t"
      "mov r11, r4\n\t"
      "subs r3, #4\n\t"
      "blt 3f\n"
      "2:\n\t" /* for (; entries >= 4; entries -= 4) */
      ENTRY ENTRY ENTRY ENTRY
      "subs r3, #4\n\t"
      "bge 2b\n"
      "3:\n\t"
      "adds r3, #4\n\t"
      "beq 6f\n"
      "4:\n\t" ENTRY
      "subs r3, #1\n\t"
      "bne 4b\n"
      "6:\n\t"
      "ldr r0, [sp, #4]\n\t"
      "adds r0, #12\n\t"
      "ldm r0!, {r1, r2, r3}\n\t"
      "str r0, [sp, #4]\n\t"
      "cmp r1, #0\n\t"
      "blt 8f\n"
      "7:\n\t" REQUANTIZE("r4") REQUANTIZE("r5") REQUANTIZE("r6")
          REQUANTIZE("r7") REQUANTIZE("r8") REQUANTIZE("r9") REQUANTIZE("r10")
              REQUANTIZE("r11")
      /* Negative multipliers and the order of pixels: see NEST_ROWS_FINISH. */
      "ldrd r0, r12, [sp, #8]\n\t"
      "ldrd r1, r2, [sp, #16]\n\t"
      "ldr r3, [sp, #24]\n\t"
      "add r3, r0\n\t"
      "add lr, r3, r2\n\t"
      "strb r11, [lr, r1]\n\t"
      "strb r10, [lr]\n\t"
      "strb r9, [r3, r1]\n\t"
      "strb r8, [r3]\n\t"
      "add lr, r0, r2\n\t"
      "strb r7, [lr, r1]\n\t"
      "strb r6, [lr]\n\t"
      "strb r5, [r0, r1]\n\t"
      "strb r4, [r0], #1\n\t"
      "str r0, [sp, #8]\n\t"
      "cmp r0, r12\n\t"
      "ldrd r0, r1, [sp]\n\t"
      "bne 1b\n\t"
      "add sp, #28\n\t"
      "pop {r4-r11, pc}\n"
      "8:\n\t"
      "negs r4, r4\n\t"
      "negs r5, r5\n\t"
      "negs r6, r6\n\t"
      "negs r7, r7\n\t"
      "rsb r8, r8, #0\n\t"
      "rsb r9, r9, #0\n\t"
      "rsb r10, r10, #0\n\t"
      "rsb r11, r11, #0\n\t"
      "negs r1, r1\n\t"
      "b 7b\n");
}
#endif
