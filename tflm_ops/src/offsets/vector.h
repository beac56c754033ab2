/* The vector kernels in assembly: a matrix in the encoding offsets times one
 * vector (Cortex-M4 and later, DSP extension). */
#ifndef NEST_SRC_VECTOR_H_
#define NEST_SRC_VECTOR_H_

#include "../direct.h"

#if defined(__ARM_FEATURE_DSP)

/* All row groups of an op at a level; the assembly relies on the order. */
typedef struct nest_vector {
  const uint8_t* stream;
  const uint8_t* counts; /* of the first group, at the level */
  const int32_t* bias;
  const int32_t* multiplier;
  const int8_t* shift;
  int8_t* output;
  const int8_t* end;     /* of output */
  int32_t half_units;    /* 2 * output zero point + 1 */
  const uint8_t* inputs; /* expanded */
  int32_t to_total;      /* bytes from the level's count to the last one */
  int32_t step;          /* bytes from a group's counts to the next one's */
} nest_vector;

/* All shifts are common ones (op->common_shifts). Saturated to int8 only. */
void nest_vector_1x2(const nest_vector* vector);
void nest_vector_1x4(const nest_vector* vector);
void nest_vector_4x4(const nest_vector* vector);

/* Saves registers and copies stream to end to the stack, in this order.
 * r0 inputs, r5 half_units, r6 to_total, r7 step. */
#define NEST_VECTOR_BEGIN                      \
  "push {r4-r11, lr}\n\t"                      \
  "ldm r0!, {r1, r2, r3, r4, r8, r9, r10}\n\t" \
  "ldm r0, {r5, r11, r12, lr}\n\t"             \
  "push {r1, r2, r3, r4, r8, r9, r10}\n\t"     \
  "mov r0, r11\n\t"                            \
  "mov r6, r12\n\t"                            \
  "mov r7, lr\n"

/* Starts a row, label 1: r1 stream, r3 entries, r4 = 2 * *bias++; stream and
 * counts on the stack go on by a row. `pairs_to_r8` adds r2 pairs to r1. */
#define NEST_VECTOR_ROW(pairs_to_r8) \
  "1:\n\t"                           \
  "ldm sp, {r1, r9, r10}\n\t"        \
  "ldrh r3, [r9]\n\t"                \
  "ldrh r2, [r9, r6]\n\t"            \
  "ldr r4, [r10], #4\n\t"            \
  "add r9, r7\n\t"                   \
  "adds r2, #1\n\t"                  \
  "lsrs r2, #1\n\t" pairs_to_r8      \
  "lsls r4, #1\n\t"                  \
  "stm sp, {r8, r9, r10}\n\t"

/* *r3++ = nest_requantize_doubled(sum) with multiplier *r1++, shift *r2++;
 * `half_units` is a register. Uses r10, r11, r12 and lr.
 *   SMMLAR d, a, b, c: d = (a * b + (c << 32) + (1 << 31)) >> 32
 *   MVN of -s is s - 1 */
#define NEST_VECTOR_STORE(sum, half_units) \
  "ldr r10, [r1], #4\n\t"                  \
  "ldrsb r11, [r2], #1\n\t"                \
  "asr r12, " sum                          \
  ", #31\n\t"                              \
  "cmp r10, #0\n\t"                        \
  "it lt\n\t"                              \
  "mvnlt r12, r12\n\t"                     \
  "mvn lr, r11\n\t"                        \
  "lsl lr, " half_units                    \
  ", lr\n\t"                               \
  "add r12, lr\n\t"                        \
  "rsb r11, r11, #0\n\t"                   \
  "smmlar " sum ", " sum                   \
  ", r10, r12\n\t"                         \
  "asr " sum                               \
  ", r11\n\t"                              \
  "ssat " sum ", #8, " sum                 \
  "\n\t"                                   \
  "strb " sum ", [r3], #1\n\t"

/* Ends the row, label 6: stores r4, goes on or returns. */
#define NEST_VECTOR_END \
  "6:\n\t"                                 \
  "add r8, sp, #12\n\t"                    \
  "ldm r8, {r1, r2, r3, r9}\n\t"           \
  NEST_VECTOR_STORE("r4", "r5")            \
  "stm r8, {r1, r2, r3}\n\t"               \
  "cmp r3, r9\n\t"                         \
  "bne 1b\n\t"                             \
  "add sp, #28\n\t"                        \
  "pop {r4-r11, pc}\n"

#endif

#endif /* NEST_SRC_VECTOR_H_ */
