#include "decode.h"

#if defined(__ARM_FEATURE_DSP)

/* One row of a 4x4 block, inputs in r2 and r3; the C is nest_sum_group's. */
#define ROW(sum, weights)        \
  "sxtb16 lr, " weights          \
  "\n\t"                         \
  "sxtb16 " weights ", " weights \
  ", ror #8\n\t"                 \
  "smlad " sum ", r2, lr, " sum  \
  "\n\t"                         \
  "smlad " sum ", r3, " weights ", " sum "\n\t"
#define ROWS \
  "ldrd r2, r3, [r9]\n\t" ROW("r4", "r10") ROW("r5", "r11") ROW("r6", "r12")
#define BLOCKS \
  "ldm r1!, {r10, r11, r12}\n\t" ROWS "ldr r10, [r1], #4\n\t" ROW("r7", "r10")
/* row_step, on the stack, is from one row to the next. */
#define LISTS                          \
  "add r1, r1, r10, lsl #2\n\t"        \
  "ldr lr, [sp, #16]\n\t"              \
  "ldr r10, [r1]\n\t"                  \
  "ldr r11, [r1, lr]\n\t"              \
  "ldr r12, [r1, lr, lsl #1]\n\t" ROWS \
  "ldr lr, [sp, #16]\n\t"              \
  "add r10, r1, lr, lsl #1\n\t"        \
  "ldr r10, [r10, lr]\n\t" ROW("r7", "r10")

/* On the stack: from, counts, end, row, row_step, sums. */
#define RINGS(start, BLOCK)                      \
  "push {r4-r11, lr}\n\t"                        \
  "ldm r0, {r0, r1, r2, r3, r4, r5, r6, r7}\n\t" \
  "push {r2, r3, r4, r5, r6, r7}\n\t"            \
  "ldm r7, {r4, r5, r6, r7}\n"                   \
  "1:\n\t"                                       \
  "ldm sp, {r9, r10, r11}\n\t"                   \
  "cmp r10, r11\n\t"                             \
  "beq 9f\n\t"                                   \
  "ldr r8, [r10], #4\n\t"                        \
  "str r10, [sp, #4]\n\t" start                  \
  "cmp r8, #0\n\t"                               \
  "beq 1b\n"                                     \
  "2:\n\t"                                       \
  "ldrb r10, [r0], #1\n\t"                       \
  "add r9, r9, r10, lsl #3\n\t" BLOCK            \
  "subs r8, #1\n\t"                              \
  "bne 2b\n\t"                                   \
  "b 1b\n"                                       \
  "9:\n\t"                                       \
  "ldr r0, [sp, #20]\n\t"                        \
  "stm r0, {r4, r5, r6, r7}\n\t"                 \
  "add sp, #24\n\t"                              \
  "pop {r4-r11, pc}\n"

static void __attribute__((naked, noinline))
sum_blocks(__attribute__((unused)) const nest_row_rings* rings) {
  __asm__ volatile(RINGS("", BLOCKS));
}

static void __attribute__((naked, noinline))
sum_lists(__attribute__((unused)) const nest_row_rings* rings) {
  __asm__ volatile(RINGS("ldr r1, [sp, #12]\n\t", LISTS));
}

/* Refer header file for details. */
void nest_sum_four_by_four(const nest_row_rings* rings, int lists) {
  (lists ? sum_lists : sum_blocks)(rings);
}
#else
typedef int nest_sum_four_by_four_is_assembly; /* ISO C wants a declaration */
#endif
