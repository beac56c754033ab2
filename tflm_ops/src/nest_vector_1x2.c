#include "direct.h"

#if !defined(__ARM_FEATURE_DSP)
/* Refer header file for details. */
void nest_vector_1x2(const nest_op* op, const nest_tile* tile) {
  nest_rows_portable(op, tile, 1);
}
#else
#include "vector_asm.h"

/* Two 1x2 blocks, offsets in `at`, values in `weights`; the C is
 * nest_sum_row's. */
#define PAIR(at, weights)                            \
  "uxtah r10, r0, " at "\n\t"                        \
  "add r11, r0, " at ", lsr #16\n\t"                 \
  "ldr r10, [r10]\n\t"                               \
  "ldr r11, [r11]\n\t"                               \
  "sxtb16 lr, " weights "\n\t"                       \
  "sxtb16 " weights ", " weights ", ror #8\n\t"      \
  "smlad r4, r10, lr, r4\n\t"                        \
  "smlad r4, r11, " weights ", r4\n\t"

static void __attribute__((naked, noinline)) vector_1x2(const nest_tile* tile) {
  __asm__ volatile(
      NEST_VECTOR_BEGIN
      "subs r3, #4\n\t"
      "blt 3f\n"
      "2:\n\t" /* for (; entries >= 4; entries -= 4) */
      "ldm r1!, {r2, r8, r9, r12}\n\t"
      PAIR("r2", "r8")
      PAIR("r9", "r12")
      "subs r3, #4\n\t"
      "bge 2b\n"
      "3:\n\t" /* entries - 4: C is its bit 1, N its bit 0, as of entries */
      "lsls r3, r3, #31\n\t"
      "bcc 4f\n\t"
      "ldm r1!, {r2, r8}\n\t"
      PAIR("r2", "r8")
      "4:\n\t"
      "bpl 6f\n\t"
      "ldm r1, {r2, r8}\n\t"
      "uxtah r10, r0, r2\n\t"
      "ldr r10, [r10]\n\t"
      "sxtb16 lr, r8\n\t"
      "smlad r4, r10, lr, r4\n\t"
      NEST_VECTOR_END);
  (void)tile;
}

/* Refer header file for details. */
void nest_vector_1x2(const nest_op* op, const nest_tile* tile) {
  (void)op;
  vector_1x2(tile);
}
#endif
