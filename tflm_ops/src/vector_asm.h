/* What the vector kernels in assembly (Cortex-M4 and later, DSP extension)
 * share. Registers: r0 inputs, r1 stream, r3 entries, r4 and up the sums, and
 * `rows`, `output`, `end` wherever the kernel keeps them. */
#ifndef NEST_SRC_VECTOR_ASM_H_
#define NEST_SRC_VECTOR_ASM_H_

/* r0, r5, r6, r7 = inputs, rows, output, end; starts the first row. */
#define NEST_VECTOR_BEGIN             \
  "push {r4-r11, lr}\n\t"             \
  "ldm r0, {r0, r5, r6, r7}\n"        \
  "1:\n\t"                            \
  "ldm r5!, {r1, r3, r4}\n\t"

/* *output++ = nest_requantize_doubled(sum), from rows (moves past the row):
 *   SMMLAR d, a, b, c: d = (a * b + (c << 32) + (1 << 31)) >> 32
 * The sign of the sum counts negated, less one, where the multiplier is
 * negative: MVN of its arithmetic shift. */
#define NEST_VECTOR_STORE(sum, rows, output)     \
  "ldm " rows "!, {r2, r8, r9}\n\t"              \
  "asr r10, " sum ", #31\n\t"                    \
  "cmp r2, #0\n\t"                               \
  "it lt\n\t"                                    \
  "mvnlt r10, r10\n\t"                           \
  "add r10, r8\n\t"                              \
  "smmlar " sum ", " sum ", r2, r10\n\t"         \
  "asr " sum ", r9\n\t"                          \
  "ssat " sum ", #8, " sum "\n\t"                \
  "strb " sum ", [" output "], #1\n\t"

/* Ends the row, label 6: stores its sum, goes on or returns. */
#define NEST_VECTOR_END                    \
  "6:\n\t"                                 \
  NEST_VECTOR_STORE("r4", "r5", "r6")      \
  "cmp r6, r7\n\t"                         \
  "bne 1b\n\t"                             \
  "pop {r4-r11, pc}\n"

#endif /* NEST_SRC_VECTOR_ASM_H_ */
