/* What the kernels for a matrix times one vector share, in assembly (mve.h).
 *
 * Registers are those that nest_mve_vector names; r0 r2 r4 r6 sums; q5 least,
 * q6 most, q7 zero point. On the stack multiplier, shift, output, end, folded;
 * that one in r7 where a group begins. */
#ifndef NEST_SRC_MVE_VECTOR_H_
#define NEST_SRC_MVE_VECTOR_H_

/* Saves registers; then, label 4, begins a group: sums start as biases. */
#define NEST_MVE_VECTOR_BEGIN                \
  "push {r4-r12, lr}\n\t"                    \
  "vpush {d8-d15}\n\t"                       \
  "ldm r0!, {r1, r5, r8, r10, r11, r12}\n\t" \
  "ldm r0!, {r2, r3, r4}\n\t"                \
  "vdup.32 q7, r2\n\t"                       \
  "vdup.32 q5, r3\n\t"                       \
  "vdup.32 q6, r4\n\t"                       \
  "ldm r0, {r2, r3, r4, r6, r7}\n\t"         \
  "sub sp, #8\n\t"                           \
  "push {r3, r4, r6, r7}\n\t"                \
  "mov r7, r2\n"                             \
  "4:\n\t"                                   \
  "ldm r7!, {r0, r2, r4, r6}\n\t"            \
  "str r7, [sp, #16]\n\t"

/* A row group: its entries at the level to `entries`, `next` = the stream of
 * the next one. `records` makes records of entries in `next`. */
#define NEST_MVE_VECTOR_COUNT(entries, stream, next, records)            \
  "ldrh " entries                                                        \
  ", [r8]\n\t"                                                           \
  "ldrh " next                                                           \
  ", [r8, r12]\n\t"                                                      \
  "add r8, r11\n\t" records(next) "mla " next ", " next ", r10, " stream \
                                  "\n\t"
/* The same of a balanced op: r8 has the entries, r10 the bytes of a group. */
#define NEST_MVE_VECTOR_SAME(entries, stream, next, records) \
  "mov " entries                                             \
  ", r8\n\t"                                                 \
  "add " next ", " stream ", r10\n\t"
#define NEST_MVE_BY_TWO(next) \
  "add " next ", " next       \
  ", #1\n\t"                  \
  "lsr " next ", " next ", #1\n\t"
#define NEST_MVE_BY_FOUR(next) \
  "add " next ", " next        \
  ", #3\n\t"                   \
  "lsr " next ", " next ", #2\n\t"
#define NEST_MVE_BY_EIGHT(next) \
  "add " next ", " next         \
  ", #7\n\t"                    \
  "lsr " next ", " next ", #3\n\t"

/* Requantizes and stores the four sums, goes on with the next group or returns.
 *   VQRDMULH: (2 * a * b + (1 << 31)) >> 32
 *   VRSHL, to the right, rounds halves up: away from zero, as one is subtracted
 *   from negative ones before */
#define NEST_MVE_VECTOR_END          \
  "vmov q1[2], q1[0], r0, r4\n\t"    \
  "vmov q1[3], q1[1], r2, r6\n\t"    \
  "ldm sp, {r0, r2, r4, r6, r7}\n\t" \
  "vldrw.32 q2, [r0], #16\n\t"       \
  "vldrb.s32 q3, [r2], #4\n\t"       \
  "vqrdmulh.s32 q1, q1, q2\n\t"      \
  "vshr.s32 q2, q1, #31\n\t"         \
  "vadd.i32 q1, q1, q2\n\t"          \
  "vrshl.s32 q1, q1, q3\n\t"         \
  "vadd.i32 q1, q1, q7\n\t"          \
  "vmax.s32 q1, q1, q5\n\t"          \
  "vmin.s32 q1, q1, q6\n\t"          \
  "vstrb.32 q1, [r4], #4\n\t"        \
  "stm sp, {r0, r2, r4}\n\t"         \
  "cmp r4, r6\n\t"                   \
  "bne 4b\n\t"                       \
  "mov r0, r1\n\t"                   \
  "add sp, #24\n\t"                  \
  "vpop {d8-d15}\n\t"                \
  "pop {r4-r12, pc}\n"

/* Four row groups of one row each, their streams in r1 and `other` in turn. */
#define NEST_MVE_VECTOR_ROWS(row, count, other)                   \
  NEST_MVE_VECTOR_BEGIN                                           \
  row(count, "r0", "r1", other) row(count, "r2", other, "r1")     \
      row(count, "r4", "r1", other) row(count, "r6", other, "r1") \
          NEST_MVE_VECTOR_END

#endif /* NEST_SRC_MVE_VECTOR_H_ */
