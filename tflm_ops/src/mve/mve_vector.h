/* What the kernels for a matrix times one vector share, in assembly (mve.h).
 *
 * Registers are those that nest_mve_vector names; r0 r2 r4 r6 sums; q5 least,
 * q6 most, q7 zero point. On the stack multiplier, shift, output, end, folded;
 * that one in r7 where a group begins; and what NEST_MVE_VECTOR_GROUPS says. */
#ifndef NEST_SRC_MVE_VECTOR_H_
#define NEST_SRC_MVE_VECTOR_H_

/* Saves registers; `prepare`; then, label 4, begins a group: sums start as
 * biases. */
#define NEST_MVE_VECTOR_BEGIN(prepare)       \
  "push {r4-r12, lr}\n\t"                    \
  "vpush {d8-d15}\n\t"                       \
  "ldm r0!, {r1, r5, r8, r10, r11, r12}\n\t" \
  "ldm r0!, {r2, r3, r4}\n\t"                \
  "vdup.32 q7, r2\n\t"                       \
  "vdup.32 q5, r3\n\t"                       \
  "vdup.32 q6, r4\n\t"                       \
  "ldm r0, {r2, r3, r4, r6, r7}\n\t"         \
  "sub sp, #40\n\t"                          \
  "push {r3, r4, r6, r7}\n\t"                \
  "mov r7, r2\n\t" prepare                   \
  "4:\n\t"                                   \
  "ldm r7!, {r0, r2, r4, r6}\n\t"            \
  "str r7, [sp, #16]\n\t"

/* Row groups of four rows.
 *
 * Its entries at the level to `entries`, r9 = the stream of the next one.
 * `records` makes records of entries in r9. */
#define NEST_MVE_VECTOR_COUNT(entries, records) \
  "ldrh " entries                               \
  ", [r8]\n\t"                                  \
  "ldrh r9, [r8, r12]\n\t"                      \
  "add r8, r11\n\t" records "mla r9, r9, r10, r1\n\t"
/* The same of a balanced op: r8 has the entries, r10 the bytes of a group. */
#define NEST_MVE_VECTOR_SAME(entries, records) \
  "mov " entries                               \
  ", r8\n\t"                                   \
  "add r9, r1, r10\n\t"

/* Row groups of one row, four at a time: their entries at the level and the
 * bytes of their streams in pairs from sp + 24 on. q4 is where their counts are
 * from r8 on, and the last ones from r12 on; r11 is from there to the next
 * four's. `records` makes records of entries in q1. */
#define NEST_MVE_VECTOR_GROUPS \
  "movs r2, #0\n\t"            \
  "vidup.u32 q4, r2, #1\n\t"   \
  "vmul.i32 q4, q4, r11\n\t"   \
  "lsl r11, #2\n\t"            \
  "add r12, r8\n"
#define NEST_MVE_VECTOR_PAIRS(records) \
  "vldrh.u32 q0, [r8, q4]\n\t"         \
  "vldrh.u32 q1, [r12, q4]\n\t"        \
  "vadd.i32 q4, q4, r11\n\t" records   \
  "vmul.i32 q1, q1, r10\n\t"           \
  "add r3, sp, #24\n\t"                \
  "vst20.32 {q0, q1}, [r3]\n\t"        \
  "vst21.32 {q0, q1}, [r3]\n\t"
/* The half, rounded up: once, twice or thrice. */
#define NEST_MVE_BY_TWO "vrshr.u32 q1, q1, #1\n\t"
#define NEST_MVE_BY_FOUR NEST_MVE_BY_TWO NEST_MVE_BY_TWO
#define NEST_MVE_BY_EIGHT NEST_MVE_BY_FOUR NEST_MVE_BY_TWO
/* A row: its entries to `entries`, `next` = the stream of the next one. */
#define NEST_MVE_VECTOR_PAIR(entries, stream, next, at) \
  "ldrd " entries ", " next ", [sp, #" at               \
  "]\n\t"                                               \
  "add " next ", " stream "\n\t"
/* The same of a balanced op. */
#define NEST_MVE_VECTOR_SAME_ROW(entries, stream, next, at) \
  "mov " entries                                            \
  ", r8\n\t"                                                \
  "add " next ", " stream ", r10\n\t"

/* A row of narrow blocks. A record: sum += weight * input for the weights of
 * its entries; beyond the level's entries nothing counts. */
#define NEST_MVE_NARROW_ROW(lanes, offsets, weights, gather, type, sum) \
  "wlstp." lanes                                                        \
  " lr, lr, 2f\n"                                                       \
  "1:\n\t" offsets "\n\t" weights "\n\t" gather                         \
  " q2, [r5, q0]\n\t"                                                   \
  "vmladava." type " " sum                                              \
  ", q1, q2\n\t"                                                        \
  "letp lr, 1b\n"                                                       \
  "2:\n\t"

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
  "add sp, #56\n\t"                  \
  "vpop {d8-d15}\n\t"                \
  "pop {r4-r12, pc}\n"

/* Four rows, their streams in r1 and `other` in turn: of any op with the bytes
 * of a record by `records`, and of a balanced one. */
#define NEST_MVE_VECTOR_FOUR(row, count, other)                           \
  row(count, "r0", "r1", other, "24") row(count, "r2", other, "r1", "32") \
      row(count, "r4", "r1", other, "40") row(count, "r6", other, "r1", "48")
#define NEST_MVE_VECTOR_ROWS(row, records, other) \
  NEST_MVE_VECTOR_BEGIN(NEST_MVE_VECTOR_GROUPS)   \
  NEST_MVE_VECTOR_PAIRS(records)                  \
  NEST_MVE_VECTOR_FOUR(row, NEST_MVE_VECTOR_PAIR, other) NEST_MVE_VECTOR_END
#define NEST_MVE_BALANCED_ROWS(row, other)                   \
  NEST_MVE_VECTOR_BEGIN("")                                  \
  NEST_MVE_VECTOR_FOUR(row, NEST_MVE_VECTOR_SAME_ROW, other) \
  NEST_MVE_VECTOR_END

#endif /* NEST_SRC_MVE_VECTOR_H_ */
