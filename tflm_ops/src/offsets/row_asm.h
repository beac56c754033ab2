/* What the row kernels in assembly (Cortex-M4 and later, DSP extension) share.
 *
 * A kernel is a loop over the rows of a tile, label 1: start, the products of
 * the row's entries, end. Registers in between: r0 inputs, r1 stream, r3
 * entries, r4-r7 sums of the pixels; all others are free. On the stack: the
 * fields of nest_tile in their order, and what else a kernel keeps there. */
#ifndef NEST_SRC_ROW_ASM_H_
#define NEST_SRC_ROW_ASM_H_

/* Saves the registers, copies *tile (r0) to the stack, starts the first row:
 * r1, r3, r4 = row->stream, row->entries, row->bias. */
#define NEST_ROWS_BEGIN                  \
  "push {r4-r11, lr}\n\t"                \
  "ldm r0, {r0, r1, r2, r3, r8, r9}\n\t" \
  "push {r0, r1, r2, r3, r8, r9}\n"      \
  "1:\n\t"                               \
  "ldm r1, {r1, r3, r4}\n\t"             \
  "mov r5, r4\n\t"                       \
  "mov r6, r4\n\t"                       \
  "mov r7, r4\n\t"

/* sum = nest_requantize_doubled(sum): multiplier r10, half r11, shift r12.
 *   SMMLAR d, a, b, c: d = (a * b + (c << 32) + (1 << 31)) >> 32 */
#define NEST_REQUANTIZE(sum) \
  "add lr, r11, " sum        \
  ", asr #31\n\t"            \
  "smmlar " sum ", " sum     \
  ", r10, lr\n\t"            \
  "asr " sum ", " sum        \
  ", r12\n\t"                \
  "ssat " sum ", #8, " sum "\n\t"
/* Ends the row, label 6, with `frame` bytes on the stack: loads the fields of
 * tile and row again, requantizes, stores from the last pixel to the first
 * (where steps are 0, it stays), goes on with the next row or returns. With a
 * negative multiplier, both factors change their signs: that is the same but
 * for a sum of 0, where it does not matter. */
#define NEST_ROWS_FINISH(frame) \
  "6:\n\t"                                            \
  "ldm sp, {r0, r1, r2, r3, r8, r9}\n\t"              \
  "adds r1, #12\n\t"                                  \
  "ldm r1!, {r10, r11, r12}\n\t"                      \
  "cmp r10, #0\n\t"                                   \
  "blt 8f\n"                                          \
  "7:\n\t"                                            \
  NEST_REQUANTIZE("r4")                               \
  NEST_REQUANTIZE("r5")                               \
  NEST_REQUANTIZE("r6")                               \
  NEST_REQUANTIZE("r7")                               \
  "add r9, r2\n\t"                                    \
  "strb r7, [r9, r8]\n\t"                             \
  "strb r6, [r9]\n\t"                                 \
  "strb r5, [r2, r8]\n\t"                             \
  "strb r4, [r2], #1\n\t"                             \
  "strd r1, r2, [sp, #4]\n\t"                         \
  "cmp r2, r3\n\t"                                    \
  "bne 1b\n\t"                                        \
  "add sp, #" frame "\n\t"                            \
  "pop {r4-r11, pc}\n"                                \
  "8:\n\t"                                            \
  "negs r4, r4\n\t"                                   \
  "negs r5, r5\n\t"                                   \
  "negs r6, r6\n\t"                                   \
  "negs r7, r7\n\t"                                   \
  "rsb r10, r10, #0\n\t"                              \
  "b 7b\n"
#define NEST_ROWS_END NEST_ROWS_FINISH("24")

#endif /* NEST_SRC_ROW_ASM_H_ */
