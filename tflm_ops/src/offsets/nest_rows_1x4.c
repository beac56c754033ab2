#include "../direct.h"

#if !defined(__ARM_FEATURE_DSP)
/* Refer header file for details. */
void nest_rows_1x4(const nest_tile* tile, const nest_op* op) {
  nest_rows_portable(op, tile, NEST_TILE, 0);
}
#else
#include "row_asm.h"

/* One pair of 1x4 blocks, four pixels each; the C is nest_sum_row's.
 * r0 inputs, r1 stream, r4-r7 sums. */
#define FIRST_WEIGHTS  \
  "sxtb16 lr, r11\n\t" \
  "sxtb16 r11, r11, ror #8\n\t"
#define FIRST_PIXEL(sum, step)  \
  "ldrd r9, r10, [r8], #" #step \
  "\n\t"                        \
  "smlad " sum ", r9, lr, " sum \
  "\n\t"                        \
  "smlad " sum ", r10, r11, " sum "\n\t"
#define FIRST                                                      \
  FIRST_WEIGHTS                                                    \
  "uxtah r8, r0, r2\n\t" FIRST_PIXEL("r4", 8) FIRST_PIXEL("r5", 8) \
      FIRST_PIXEL("r6", 8) FIRST_PIXEL("r7", 8)
/* The second block has the registers of the first offset and weights too. */
#define SECOND                       \
  "add r8, r0, r2, lsr #16\n\t"      \
  "sxtb16 lr, r12\n\t"               \
  "sxtb16 r2, r12, ror #8\n\t"       \
  "ldm r8!, {r9, r10, r11, r12}\n\t" \
  "smlad r4, r9, lr, r4\n\t"         \
  "smlad r4, r10, r2, r4\n\t"        \
  "smlad r5, r11, lr, r5\n\t"        \
  "smlad r5, r12, r2, r5\n\t"        \
  "ldm r8, {r9, r10, r11, r12}\n\t"  \
  "smlad r6, r9, lr, r6\n\t"         \
  "smlad r6, r10, r2, r6\n\t"        \
  "smlad r7, r11, lr, r7\n\t"        \
  "smlad r7, r12, r2, r7\n\t"

/* Refer header file for details. */
void __attribute__((naked))
nest_rows_1x4(__attribute__((unused)) const nest_tile* tile,
              __attribute__((unused)) const nest_op* op) {
  __asm__ volatile(NEST_ROWS_BEGIN
                   "subs r3, #2\n\t"
                   "blt 3f\n"
                   "2:\n\t" /* for (; entries >= 2; entries -= 2) */
                   "ldm r1!, {r2, r11, r12}\n\t" FIRST SECOND
                   "subs r3, #2\n\t"
                   "bge 2b\n"
                   "3:\n\t"
                   "adds r3, #1\n\t" /* -2 + 1, or -1 + 1: one more */
                   "bne 6f\n\t"
                   "ldm r1, {r2, r11}\n\t" FIRST NEST_ROWS_END);
}
#endif
