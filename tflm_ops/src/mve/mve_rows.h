/* What the kernels of mve.h share, in assembly.
 *
 * All along: q4 outputs, q5 least, q6 most, r8 the next row, r5 the inputs of
 * pixel 0, and of narrow blocks r7, r9, r11 those of the others. On the stack:
 * the struct's address, tiles left, zero point, and for narrow blocks the
 * output's place. A row's registers are those that nest_mve_row names. */
#ifndef NEST_SRC_MVE_ROWS_H_
#define NEST_SRC_MVE_ROWS_H_

/* An entry of 16 columns: its weights times the inputs of each pixel, added to
 * the sums r0 r2 r4 r6. Weights are in q0, inputs at `from`. */
#define NEST_MVE_1X16(from)    \
  "vldrb.8 q1, [" from         \
  "]\n\t"                      \
  "vmladava.s8 r0, q0, q1\n\t" \
  "vldrb.8 q2, [" from         \
  ", #16]\n\t"                 \
  "vmladava.s8 r2, q0, q2\n\t" \
  "vldrb.8 q1, [" from         \
  ", #32]\n\t"                 \
  "vmladava.s8 r4, q0, q1\n\t" \
  "vldrb.8 q2, [" from         \
  ", #48]\n\t"                 \
  "vmladava.s8 r6, q0, q2\n\t"
/* Records at r1, of two entries, then one more if the number is odd: C holds it
 * from LSRS on. Uses r7 and r11. */
#define NEST_MVE_1X16_LOOP \
  "lsrs lr, lr, #1\n\t"                         \
  "wls lr, lr, 2f\n"                            \
  "1:\n\t"                                      \
  "ldr r7, [r1], #4\n\t"                        \
  "vldrb.8 q0, [r1], #16\n\t"                   \
  "uxtah r11, r5, r7\n\t"                       \
  NEST_MVE_1X16("r11")                          \
  "vldrb.8 q0, [r1], #16\n\t"                   \
  "add r7, r5, r7, lsr #16\n\t"                 \
  NEST_MVE_1X16("r7")                           \
  "le lr, 1b\n"                                 \
  "2:\n\t"                                      \
  "bcc 5f\n\t"                                  \
  "ldrh r7, [r1]\n\t"                           \
  "vldrb.8 q0, [r1, #4]\n\t"                    \
  "add r7, r5\n\t"                              \
  NEST_MVE_1X16("r7")                           \
  "5:\n\t"

/* A record of narrow blocks; beyond the level's entries nothing counts. */
#define NEST_MVE_NARROW_LOOP(lanes, offsets, weights, gather, type) \
  "wlstp." lanes                                                    \
  " lr, lr, 2f\n"                                                   \
  "1:\n\t" offsets "\n\t" weights "\n\t" gather                     \
  " q2, [r5, q0]\n\t"                                               \
  "vmladava." type " r0, q1, q2\n\t" gather                         \
  " q2, [r7, q0]\n\t"                                               \
  "vmladava." type " r2, q1, q2\n\t" gather                         \
  " q2, [r9, q0]\n\t"                                               \
  "vmladava." type " r4, q1, q2\n\t" gather                         \
  " q2, [r11, q0]\n\t"                                              \
  "vmladava." type                                                  \
  " r6, q1, q2\n\t"                                                 \
  "letp lr, 1b\n"                                                   \
  "2:\n\t"
#define NEST_MVE_1X4_LOOP                              \
  NEST_MVE_NARROW_LOOP("32", "vldrh.u32 q0, [r1], #8", \
                       "vldrb.8 q1, [r1], #16", "vldrw.u32", "s8")
#define NEST_MVE_1X2_LOOP                               \
  NEST_MVE_NARROW_LOOP("16", "vldrh.u16 q0, [r1], #16", \
                       "vldrb.8 q1, [r1], #16", "vldrh.u16", "s8")
#define NEST_MVE_1X1_LOOP                               \
  NEST_MVE_NARROW_LOOP("16", "vldrh.u16 q0, [r1], #16", \
                       "vldrb.s16 q1, [r1], #8", "vldrb.s16", "s16")

/* q1 = the four sums requantized, by shifts to the right; `one` holds 1.
 *   VQRDMULH: (2 * a * b + (1 << 31)) >> 32
 *   VQDMLAH: a + (2 * a * 1 >> 32), one less where a is negative: so that
 *   VRSHL, to the right and halves up, rounds halves away from zero */
#define NEST_MVE_ROW(loop, one)                         \
  "ldm r8!, {r0, r1, r2, r3, r4, r6, r12, lr}\n\t" loop \
  "vmov q1[2], q1[0], r0, r4\n\t"                       \
  "vmov q1[3], q1[1], r2, r6\n\t"                       \
  "vqrdmulh.s32 q1, q1, r3\n\t"                         \
  "vqdmlah.s32 q1, q1, " one                            \
  "\n\t"                                                \
  "vrshl.s32 q1, r12\n\t"

/* q3 = the bytes of four rows, a word for each pixel, before zero point and
 * bounds: as int16 rows 0 and 2 in q3, 1 and 3 in q7. */
#define NEST_MVE_FOUR_ROWS(loop, one) \
  NEST_MVE_ROW(loop, one)             \
  "vqmovnb.s32 q3, q1\n\t"            \
  NEST_MVE_ROW(loop, one)             \
  "vqmovnt.s32 q3, q1\n\t"            \
  NEST_MVE_ROW(loop, one)             \
  "vqmovnb.s32 q7, q1\n\t"            \
  NEST_MVE_ROW(loop, one)             \
  "vqmovnt.s32 q7, q1\n\t"

/* Then, with `zero_point` in a register. */
#define NEST_MVE_PACK(zero_point) \
  "vqadd.s16 q3, q3, " zero_point \
  "\n\t"                          \
  "vqadd.s16 q7, q7, " zero_point \
  "\n\t"                          \
  "vqmovnb.s16 q3, q3\n\t"        \
  "vqmovnt.s16 q3, q7\n\t"        \
  "vmax.s8 q3, q3, q5\n\t"        \
  "vmin.s8 q3, q3, q6\n\t"

#define NEST_MVE_BEGIN         \
  "push {r4-r12, lr}\n\t"      \
  "vpush {d8-d15}\n\t"         \
  "vldrw.32 q4, [r0]\n\t"      \
  "vldrw.32 q5, [r0, #16]\n\t" \
  "vldrw.32 q6, [r0, #32]\n\t" \
  "ldrd r1, r2, [r0, #56]\n\t"

/* Moves outputs on to the next tile, or jumps to label 9: r0 the struct, r1 the
 * inputs' step. */
#define NEST_MVE_NEXT_TILE     \
  "ldrd r0, r2, [sp]\n\t"      \
  "subs r2, #1\n\t"            \
  "beq 9f\n\t"                 \
  "str r2, [sp, #4]\n\t"       \
  "ldrd r2, r1, [r0, #64]\n\t" \
  "vadd.i32 q4, q4, r2\n\t"

#define NEST_MVE_END  \
  "9:\n\t"            \
  "add sp, #16\n\t"   \
  "vpop {d8-d15}\n\t" \
  "pop {r4-r12, pc}\n"

/* The body of the kernel for 16 columns: r9 1, r10 the output's place. */
#define NEST_MVE_WIDE_KERNEL(loop) \
  NEST_MVE_BEGIN                   \
  "mov r3, r1\n\t"                 \
  "ldr r5, [r0, #72]\n\t"          \
  "mov r9, #1\n\t"                 \
  "push {r0, r2, r3, r4}\n"        \
  "3:\n\t"                         \
  "ldrd r8, r10, [r0, #48]\n"      \
  "4:\n\t"                         \
  NEST_MVE_FOUR_ROWS(loop, "r9")   \
  "ldr r0, [sp, #8]\n\t"           \
  NEST_MVE_PACK("r0")              \
  "vstrw.32 q3, [r10, q4]\n\t"     \
  "adds r10, #4\n\t"               \
  "bne 4b\n\t"                     \
  NEST_MVE_NEXT_TILE               \
  "add r5, r1\n\t"                 \
  "b 3b\n"                         \
  NEST_MVE_END

/* And for narrow blocks: r10 1. */
#define NEST_MVE_NARROW_KERNEL(loop) \
  NEST_MVE_BEGIN                     \
  "mov r3, r1\n\t"                        \
  "mov r10, #1\n\t"                       \
  "push {r0, r2, r3, r4}\n\t"             \
  "add r1, r0, #72\n\t"                   \
  "ldm r1, {r5, r7, r9, r11}\n"           \
  "3:\n\t"                                \
  "ldrd r8, r1, [r0, #48]\n\t"            \
  "str r1, [sp, #12]\n"                   \
  "4:\n\t"                                \
  NEST_MVE_FOUR_ROWS(loop, "r10")         \
  "ldrd r0, r1, [sp, #8]\n\t"             \
  NEST_MVE_PACK("r0")                     \
  "vstrw.32 q3, [r1, q4]\n\t"             \
  "adds r1, #4\n\t"                       \
  "str r1, [sp, #12]\n\t"                 \
  "bne 4b\n\t"                            \
  NEST_MVE_NEXT_TILE                      \
  "add r5, r1\n\t"                        \
  "add r7, r1\n\t"                        \
  "add r9, r1\n\t"                        \
  "add r11, r1\n\t"                       \
  "b 3b\n"                                \
  NEST_MVE_END

/* For any shifts, a row at a time: left is the greater of shift and 0, right
 * the lesser; without a shift to the right, ties of halves are none. */
#define NEST_MVE_ANY_KERNEL(loop)                       \
  NEST_MVE_BEGIN                                        \
  "mov r3, r1\n\t"                                      \
  "push {r0, r2, r3, r4}\n\t"                           \
  "add r1, r0, #72\n\t"                                 \
  "ldm r1, {r5, r7, r9, r11}\n"                         \
  "3:\n\t"                                              \
  "ldrd r8, r1, [r0, #48]\n\t"                          \
  "str r1, [sp, #12]\n"                                 \
  "4:\n\t"                                              \
  "ldm r8!, {r0, r1, r2, r3, r4, r6, r12, lr}\n\t" loop \
  "vmov q1[2], q1[0], r0, r4\n\t"                       \
  "vmov q1[3], q1[1], r2, r6\n\t"                       \
  "asr r1, r12, #31\n\t"                                \
  "bic r0, r12, r1\n\t"                                 \
  "and r12, r12, r1\n\t"                                \
  "rsbs r1, r1, #0\n\t"                                 \
  "vshl.s32 q1, r0\n\t"                                 \
  "vqrdmulh.s32 q1, q1, r3\n\t"                         \
  "vqdmlah.s32 q1, q1, r1\n\t"                          \
  "vrshl.s32 q1, r12\n\t"                               \
  "ldrd r0, r1, [sp, #8]\n\t"                           \
  "vadd.i32 q1, q1, r0\n\t"                             \
  "vmax.s32 q1, q1, q5\n\t"                             \
  "vmin.s32 q1, q1, q6\n\t"                             \
  "vstrb.32 q1, [r1, q4]\n\t"                           \
  "adds r1, #1\n\t"                                     \
  "str r1, [sp, #12]\n\t"                               \
  "bne 4b\n\t" NEST_MVE_NEXT_TILE                       \
  "add r5, r1\n\t"                                      \
  "add r7, r1\n\t"                                      \
  "add r9, r1\n\t"                                      \
  "add r11, r1\n\t"                                     \
  "b 3b\n" NEST_MVE_END

#endif /* NEST_SRC_MVE_ROWS_H_ */
