#include "direct.h"

#if !defined(__ARM_FEATURE_DSP)
/* Refer header file for details. */
void nest_vector_4x4(const nest_op* op, const nest_tile* tile) {
  nest_rows_portable(op, tile, 1);
}
#else
#include "vector_asm.h"

/* One row of a 4x4 block, inputs in r8 and r9; the C is nest_sum_row's. */
#define ROW(sum, weights)                            \
  "sxtb16 r10, " weights "\n\t"                      \
  "sxtb16 " weights ", " weights ", ror #8\n\t"      \
  "smlad " sum ", r8, r10, " sum "\n\t"              \
  "smlad " sum ", r9, " weights ", " sum "\n\t"
#define BLOCK                      \
  "ldrd r8, r9, [r8]\n\t"          \
  "ldm r1!, {r11, r12, lr}\n\t"    \
  ROW("r4", "r11")                 \
  ROW("r5", "r12")                 \
  "ldr r11, [r1], #4\n\t"          \
  ROW("r6", "lr")                  \
  ROW("r7", "r11")
#define STORE(sum)                               \
  NEST_VECTOR_STORE(sum, "r1", "r11")            \
  "cmp r11, r12\n\t"                             \
  "beq 9f\n\t"

/* On the stack: rows of the group, output, end. */
static void __attribute__((naked, noinline)) vector_4x4(const nest_tile* tile) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "ldm r0, {r0, r1, r2, r3}\n\t"
      "push {r1, r2, r3}\n"
      "1:\n\t"
      "ldr r5, [r1, #32]\n\t" /* the biases, 24 bytes apart */
      "ldr r6, [r1, #56]\n\t"
      "ldr r7, [r1, #80]\n\t"
      "ldm r1, {r1, r3, r4}\n\t"
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
      "6:\n\t"
      "pop {r1, r11, r12}\n\t"
      "adds r1, #12\n\t"
      STORE("r4")
      "adds r1, #12\n\t"
      STORE("r5")
      "adds r1, #12\n\t"
      STORE("r6")
      "adds r1, #12\n\t"
      STORE("r7")
      "push {r1, r11, r12}\n\t"
      "b 1b\n"
      "9:\n\t"
      "pop {r4-r11, pc}\n");
  (void)tile;
}

/* Refer header file for details. */
void nest_vector_4x4(const nest_op* op, const nest_tile* tile) {
  (void)op;
  vector_4x4(tile);
}
#endif
