#include "decode.h"

#if defined(__ARM_FEATURE_DSP)
#include "decode_asm.h"

/* The offset of the next entry's inputs to `to`; r7 is where pairs go. Of lists
 * the values move by the same blocks. */
#define DELTA(to) "ldrb " to ", [r0], #1\n\t"
#define OFFSET(to)  \
  "add r9, r9, " to \
  ", lsl #1\n\t"    \
  "ldrh " to ", [r9]\n\t"
#define MOVE(by, shift) "add r1, r1, " by ", lsl #" #shift "\n\t"

/* Pairs as in nest_decode_any. A ring that ends in the midst of a pair goes on
 * at label 3: FIRST is the pair's first half, SECOND its second, by the next
 * ring that has entries. */
#define PAIRS(RING, PAIR, FIRST, SECOND, bytes) \
  "push {r4-r11, lr}\n\t"                       \
  "ldm r0, {r0, r1, r2, r3, r4, r5, r6, r7}\n"  \
  "1:\n\t" RING("9f")                           \
  "subs r8, #2\n\t"                             \
  "blt 3f\n"                                    \
  "2:\n\t" PAIR                                 \
  "subs r8, #2\n\t"                             \
  "bge 2b\n"                                    \
  "3:\n\t"                                      \
  "adds r8, #1\n\t" /* -2 + 1, or -1 + 1: one more */ \
  "bne 1b\n\t" FIRST                            \
  "4:\n\t" RING("9f")                           \
  "subs r8, #3\n\t"                             \
  "cmp r8, #-3\n\t"                             \
  "beq 4b\n\t" SECOND                           \
  "adds r7, #" bytes "\n\t"                     \
  "cmp r8, #0\n\t"                              \
  "bge 2b\n\t"                                  \
  "b 3b\n"                                      \
  "9:\n\t"                                      \
  "pop {r4-r11, pc}\n"

/* Single weights: a word each. */
#define ONES_ENTRY(MOVE, post) \
  DELTA("r10") MOVE                                  \
  "ldrsb r12, [r1]" post "\n\t"                      \
  OFFSET("r10") "orr r10, r10, r12, lsl #16\n\t"     \
  "str r10, [r7], #4\n\t"

/* a0 a1 b0 b1 in r11 to a0 b0 a1 b1. */
#define SWAP_MIDDLE               \
  "eor r12, r11, r11, lsr #8\n\t" \
  "and r12, r12, #0xff00\n\t"     \
  "eor r11, r12\n\t"              \
  "eor r11, r11, r12, lsl #8\n\t"
#define TWOS_PAIR_BLOCKS                                       \
  DELTA("r10")                                                 \
  DELTA("lr")                                                  \
  "ldr r11, [r1], #4\n\t" OFFSET("r10")                        \
      OFFSET("lr") "orr r10, r10, lr, lsl #16\n\t" SWAP_MIDDLE \
                   "stm r7!, {r10, r11}\n\t"
#define TWOS_PAIR_LISTS \
  DELTA("r10") DELTA("lr") MOVE("r10", 1) "ldrh r11, [r1]\n\t"       \
  MOVE("lr", 1) "ldrh r12, [r1]\n\t" OFFSET("r10") OFFSET("lr")      \
  "orr r10, r10, lr, lsl #16\n\t"                                    \
  "orr r11, r11, r12, lsl #16\n\t" SWAP_MIDDLE                       \
  "stm r7!, {r10, r11}\n\t"
#define TWOS_ENTRY(MOVE, step, offset_at, first_at, second_at)                 \
  DELTA("r10")                                                                 \
  MOVE                                                                         \
      "ldrb r11, [r1]\n\t"                                                     \
      "ldrb r12, [r1, #1]\n\t" step OFFSET("r10") "strh r10, [r7, #" offset_at \
                                                  "]\n\t"                      \
                                                  "strb r11, [r7, #" first_at  \
                                                  "]\n\t"                      \
                                                  "strb r12, [r7, #" second_at \
                                                  "]\n\t"

#define FOURS_PAIR_BLOCKS \
  DELTA("r10") DELTA("lr") "ldr r12, [r1, r5]\n\t"              \
  "ldr r11, [r1]\n\t" MOVE("r5", 1) OFFSET("r10") OFFSET("lr")  \
  "orr r10, r10, lr, lsl #16\n\t"                               \
  "stm r7!, {r10, r11, r12}\n\t"
#define FOURS_PAIR_LISTS \
  DELTA("r10") DELTA("lr") MOVE("r10", 2) "ldr r11, [r1]\n\t"   \
  MOVE("lr", 2) "ldr r12, [r1]\n\t" OFFSET("r10") OFFSET("lr")  \
  "orr r10, r10, lr, lsl #16\n\t"                               \
  "stm r7!, {r10, r11, r12}\n\t"
#define FOURS_ENTRY(MOVE, step, offset_at, value_at)                       \
  DELTA("r10")                                                             \
  MOVE "ldr r11, [r1]\n\t" step OFFSET("r10") "strh r10, [r7, #" offset_at \
                                              "]\n\t"                      \
                                              "str r11, [r7, #" value_at   \
                                              "]\n\t"

/* Entries that are whole pairs, or whose halves of pairs are words. */
#define ENTRIES(RING, ENTRY) \
  "push {r4-r11, lr}\n\t"                     \
  "ldm r0, {r0, r1, r2, r3, r4, r5, r6, r7}\n" \
  NEST_RINGS_BY_ONE(RING, ENTRY) \
  "9:\n\t"                                    \
  "pop {r4-r11, pc}\n"

/* 1x16 blocks, each two pairs of 1x4; r6 from one plane to the next. */
#define SIXTEENS_ENTRY(MOVE, step) \
  DELTA("r10") MOVE OFFSET("r10")             \
  "add lr, r10, r6\n\t"                       \
  "orr r10, r10, lr, lsl #16\n\t"             \
  "ldrd r11, r12, [r1]\n\t"                   \
  "stm r7!, {r10, r11, r12}\n\t"              \
  "add r10, r10, r6, lsl #1\n\t"              \
  "add r10, r10, r6, lsl #17\n\t"             \
  "ldrd r11, r12, [r1, #8]\n\t"               \
  "stm r7!, {r10, r11, r12}\n\t" step

#define DEFINE(name, code) NEST_RINGS_FUNCTION(void, name, code)
#define STEP "add r1, r5\n\t"
DEFINE(ones_of_blocks, ENTRIES(NEST_RING_BLOCKS, ONES_ENTRY("", ", #1")))
DEFINE(ones_of_lists, ENTRIES(NEST_RING_LISTS, ONES_ENTRY(MOVE("r10", 0), "")))
DEFINE(twos_of_blocks,
       PAIRS(NEST_RING_BLOCKS, TWOS_PAIR_BLOCKS,
             TWOS_ENTRY("", "adds r1, #2\n\t", "0", "4", "6"),
             TWOS_ENTRY("", "adds r1, #2\n\t", "2", "5", "7"), "8"))
DEFINE(twos_of_lists, PAIRS(NEST_RING_LISTS, TWOS_PAIR_LISTS,
                            TWOS_ENTRY(MOVE("r10", 1), "", "0", "4", "6"),
                            TWOS_ENTRY(MOVE("r10", 1), "", "2", "5", "7"), "8"))
DEFINE(fours_of_blocks, PAIRS(NEST_RING_BLOCKS, FOURS_PAIR_BLOCKS,
                              FOURS_ENTRY("", STEP, "0", "4"),
                              FOURS_ENTRY("", STEP, "2", "8"), "12"))
DEFINE(fours_of_lists, PAIRS(NEST_RING_LISTS, FOURS_PAIR_LISTS,
                             FOURS_ENTRY(MOVE("r10", 2), "", "0", "4"),
                             FOURS_ENTRY(MOVE("r10", 2), "", "2", "8"), "12"))
DEFINE(sixteens_of_blocks, ENTRIES(NEST_RING_BLOCKS, SIXTEENS_ENTRY("", STEP)))
DEFINE(sixteens_of_lists,
       ENTRIES(NEST_RING_LISTS, SIXTEENS_ENTRY(MOVE("r10", 4), "")))

/* Refer header file for details. */
void nest_decode_rings(const nest_row_rings* rings, int lists, int32_t cols) {
  switch (cols) {
    case 1:
      (lists ? ones_of_lists : ones_of_blocks)(rings);
      break;
    case 2:
      (lists ? twos_of_lists : twos_of_blocks)(rings);
      break;
    case 4:
      (lists ? fours_of_lists : fours_of_blocks)(rings);
      break;
    default:
      (lists ? sixteens_of_lists : sixteens_of_blocks)(rings);
      break;
  }
}
#else
typedef int nest_decode_rings_is_assembly; /* ISO C wants a declaration */
#endif
