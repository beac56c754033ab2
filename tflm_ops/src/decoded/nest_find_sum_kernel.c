#include "decode.h"

#if defined(__ARM_FEATURE_DSP)
#include "decode_asm.h"

/* Entries of one row times their inputs, which start at r9 moved by their
 * index; sums up in r6. The C is nest_sum_group's. */
#define ONE(MOVE, post)                                    \
  "ldrb r7, [r0], #1\n\t"                                  \
  "add r9, r9, r7, lsl #1\n\t" MOVE "ldrsb r10, [r1]" post \
  "\n\t"                                                   \
  "ldrsh r11, [r9]\n\t"                                    \
  "smlabb r6, r11, r10, r6\n\t"
#define TWO(MOVE, step)             \
  "ldrb r7, [r0], #1\n\t"           \
  "add r9, r9, r7, lsl #2\n\t" MOVE \
  "ldrsb r10, [r1]\n\t"             \
  "ldrsb r11, [r1, #1]\n\t" step    \
  "ldr r12, [r9]\n\t"               \
  "smlabb r6, r12, r10, r6\n\t"     \
  "smlatb r6, r12, r11, r6\n\t"
/* Of two blocks the first inputs of both and the second inputs of both. */
#define TWO_TWOS                    \
  "ldrb r7, [r0], #1\n\t"           \
  "ldrb r10, [r0], #1\n\t"          \
  "ldr r11, [r1], #4\n\t"           \
  "add r9, r9, r7, lsl #2\n\t"      \
  "ldr r7, [r9]\n\t"                \
  "add r9, r9, r10, lsl #2\n\t"     \
  "ldr r10, [r9]\n\t"               \
  "sxtb16 lr, r11\n\t"              \
  "sxtb16 r11, r11, ror #8\n\t"     \
  "pkhbt r12, r7, r10, lsl #16\n\t" \
  "pkhtb r7, r10, r7, asr #16\n\t"  \
  "smlad r6, r12, lr, r6\n\t"       \
  "smlad r6, r7, r11, r6\n\t"
#define MULTIPLY_FOUR(weights)   \
  "sxtb16 lr, " weights          \
  "\n\t"                         \
  "sxtb16 " weights ", " weights \
  ", ror #8\n\t"                 \
  "smlad r6, r11, lr, r6\n\t"    \
  "smlad r6, r12, " weights ", r6\n\t"
#define INPUTS                 \
  "ldrb r7, [r0], #1\n\t"      \
  "add r9, r9, r7, lsl #3\n\t" \
  "ldrd r11, r12, [r9]\n\t"
#define FOUR(MOVE, post) \
  INPUTS MOVE "ldr r7, [r1]" post "\n\t" MULTIPLY_FOUR("r7")
#define TWO_FOURS                                     \
  INPUTS "ldm r1!, {r7, r10}\n\t" MULTIPLY_FOUR("r7") \
      INPUTS MULTIPLY_FOUR("r10")
#define QUAD(at, at_values)   \
  "ldrd r11, r12, [r9, #" #at \
  "]\n\t"                     \
  "ldr r7, [r1, #" #at_values "]\n\t" MULTIPLY_FOUR("r7")
#define SIXTEEN(MOVE, step)                                           \
  "ldrb r7, [r0], #1\n\t"                                             \
  "add r9, r9, r7, lsl #5\n\t" MOVE QUAD(0, 0) QUAD(8, 4) QUAD(16, 8) \
      QUAD(24, 12) step

#define MOVE(shift) "add r1, r1, r7, lsl #" #shift "\n\t"

#define BEGIN             \
  "push {r4-r11, lr}\n\t" \
  "ldm r0, {r0, r1, r2, r3, r4, r5, r6}\n"
#define END        \
  "9:\n\t"         \
  "mov r0, r6\n\t" \
  "pop {r4-r11, pc}\n"
#define RINGS(RING, PAIR, ENTRY) \
  BEGIN                          \
  "1:\n\t" RING("9f")                  \
  "subs r8, #2\n\t"                    \
  "blt 3f\n"                           \
  "2:\n\t" PAIR                        \
  "subs r8, #2\n\t"                    \
  "bge 2b\n"                           \
  "3:\n\t"                             \
  "adds r8, #1\n\t" /* 0: one more */  \
  "bne 1b\n\t" ENTRY                   \
  "b 1b\n" END
#define SINGLE_RINGS(RING, ENTRY) BEGIN NEST_RINGS_BY_ONE(RING, ENTRY) END

#define DEFINE(name, code) NEST_RINGS_FUNCTION(int32_t, name, code)
#define ONE_BLOCKS ONE("", ", #1")
#define ONE_LISTS ONE(MOVE(0), "")
#define TWO_LISTS TWO(MOVE(1), "")
#define FOUR_LISTS FOUR(MOVE(2), "")
DEFINE(ones_of_blocks,
       RINGS(NEST_RING_BLOCKS, ONE_BLOCKS ONE_BLOCKS, ONE_BLOCKS))
DEFINE(ones_of_lists, RINGS(NEST_RING_LISTS, ONE_LISTS ONE_LISTS, ONE_LISTS))
DEFINE(twos_of_blocks,
       RINGS(NEST_RING_BLOCKS, TWO_TWOS, TWO("", "add r1, #2\n\t")))
DEFINE(twos_of_lists, RINGS(NEST_RING_LISTS, TWO_LISTS TWO_LISTS, TWO_LISTS))
DEFINE(fours_of_blocks, RINGS(NEST_RING_BLOCKS, TWO_FOURS, FOUR("", ", #4")))
DEFINE(fours_of_lists,
       RINGS(NEST_RING_LISTS, FOUR_LISTS FOUR_LISTS, FOUR_LISTS))
DEFINE(sixteens_of_blocks,
       SINGLE_RINGS(NEST_RING_BLOCKS, SIXTEEN("", "add r1, r5\n\t")))
DEFINE(sixteens_of_lists, SINGLE_RINGS(NEST_RING_LISTS, SIXTEEN(MOVE(4), "")))

/* Refer header file for details. */
nest_sum_kernel nest_find_sum_kernel(int lists, int32_t cols) {
  switch (cols) {
    case 1:
      return lists ? ones_of_lists : ones_of_blocks;
    case 2:
      return lists ? twos_of_lists : twos_of_blocks;
    case 4:
      return lists ? fours_of_lists : fours_of_blocks;
    default:
      return lists ? sixteens_of_lists : sixteens_of_blocks;
  }
}
#else
typedef int nest_find_sum_kernel_is_assembly; /* ISO C wants a declaration */
#endif
