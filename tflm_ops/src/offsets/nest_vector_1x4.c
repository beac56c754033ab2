#include "vector.h"

#if defined(__ARM_FEATURE_DSP)

/* A 1x4 block, its inputs' address in r10; the C is nest_sum_row's. */
#define BLOCK(weights)           \
  "ldrd r10, r11, [r10]\n\t"     \
  "sxtb16 lr, " weights          \
  "\n\t"                         \
  "sxtb16 " weights ", " weights \
  ", ror #8\n\t"                 \
  "smlad r4, r10, lr, r4\n\t"    \
  "smlad r4, r11, " weights ", r4\n\t"
#define PAIR                                                                \
  "ldm r1!, {r2, r8, r9}\n\t"                                               \
  "uxtah r10, r0, r2\n\t" BLOCK("r8") "add r10, r0, r2, lsr #16\n\t" BLOCK( \
      "r9")

/* Refer header file for details. */
void __attribute__((naked))
nest_vector_1x4(__attribute__((unused)) const nest_vector* vector) {
  __asm__ volatile(
      NEST_VECTOR_BEGIN
      NEST_VECTOR_ROW("add r2, r2, r2, lsl #1\n\t"
                      "add r8, r1, r2, lsl #2\n\t")
      "subs r3, #4\n\t"
      "blt 3f\n"
      "2:\n\t" /* for (; entries >= 4; entries -= 4) */
      PAIR
      PAIR
      "subs r3, #4\n\t"
      "bge 2b\n"
      "3:\n\t" /* entries - 4: C is its bit 1, N its bit 0, as of entries */
      "lsls r3, r3, #31\n\t"
      "bcc 4f\n\t"
      PAIR
      "4:\n\t"
      "bpl 6f\n\t"
      "ldm r1, {r2, r8}\n\t"
      "uxtah r10, r0, r2\n\t"
      BLOCK("r8")
      NEST_VECTOR_END);
}
#else
typedef int nest_vector_1x4_is_assembly; /* ISO C wants a declaration */
#endif
