#include "../direct.h"

#if !defined(__ARM_FEATURE_DSP)
/* Refer header file for details. */
void nest_rows_1x2(const nest_tile* tile, const nest_op* op) {
  nest_rows_portable(op, tile, NEST_TILE, 0);
}
#else
#include "row_asm.h"

/* Four pixels of a 1x2 block, weights in `weights`, inputs from r8 on; the C is
 * nest_sum_row's. */
#define PIXELS(weights)            \
  "ldm r8, {r8, r9, r10, r11}\n\t" \
  "smlad r4, r8, " weights         \
  ", r4\n\t"                       \
  "smlad r5, r9, " weights         \
  ", r5\n\t"                       \
  "smlad r6, r10, " weights        \
  ", r6\n\t"                       \
  "smlad r7, r11, " weights ", r7\n\t"
#define FIRST          \
  "sxtb16 lr, r12\n\t" \
  "uxtah r8, r0, r2\n\t" PIXELS("lr")
#define PAIR                     \
  "ldm r1!, {r2, r12}\n\t" FIRST \
  "sxtb16 r12, r12, ror #8\n\t"  \
  "add r8, r0, r2, lsr #16\n\t" PIXELS("r12")

/* Refer header file for details. */
void __attribute__((naked))
nest_rows_1x2(__attribute__((unused)) const nest_tile* tile,
              __attribute__((unused)) const nest_op* op) {
  __asm__ volatile(
      NEST_ROWS_BEGIN
      "subs r3, #4\n\t"
      "blt 3f\n"
      "2:\n\t" /* for (; entries >= 4; entries -= 4) */
      PAIR PAIR
      "subs r3, #4\n\t"
      "bge 2b\n"
      "3:\n\t" /* entries - 4: C is its bit 1, N its bit 0, as of entries */
      "lsls r3, r3, #31\n\t"
      "bcc 4f\n\t" PAIR
      "4:\n\t"
      "bpl 6f\n\t"
      "ldm r1, {r2, r12}\n\t" FIRST NEST_ROWS_END);
}
#endif
