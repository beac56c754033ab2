/* The loop over the rings of one row that the kernels in assembly (Cortex-M4
 * and later, DSP extension) share.
 *
 * r0 indices, r1 values, r2 what blocks count from, r3 counts of the rings, r4
 * their end, r5 of blocks the bytes of an entry's values, of lists the row's
 * first values; r8 entries that are left in the ring, r9 r2 moved to the block
 * before the next entry. r6 and r7 are the kernel's, the others free. */
#ifndef NEST_SRC_DECODE_ASM_H_
#define NEST_SRC_DECODE_ASM_H_

/* Goes to `done` after the last ring. */
#define NEST_RING_BLOCKS(done) \
  "cmp r3, r4\n\t"             \
  "beq " done                  \
  "\n\t"                       \
  "ldr r8, [r3], #4\n\t"       \
  "mov r9, r2\n\t"
#define NEST_RING_LISTS(done) NEST_RING_BLOCKS(done) "mov r1, r5\n\t"

/* An entry at a time; goes to label 9 after the last ring. */
#define NEST_RINGS_BY_ONE(RING, ENTRY) \
  "1:\n\t" RING("9f")                  \
  "cmp r8, #0\n\t"                     \
  "beq 1b\n"                           \
  "2:\n\t" ENTRY                      \
  "subs r8, #1\n\t"                   \
  "bne 2b\n\t"                        \
  "b 1b\n"

/* A function of nothing but this code; the rings are in r0. */
#define NEST_RINGS_FUNCTION(type, name, code)                 \
  static type __attribute__((naked, noinline))                \
  name(__attribute__((unused)) const nest_row_rings* rings) { \
    __asm__ volatile(code);                                   \
  }

#endif /* NEST_SRC_DECODE_ASM_H_ */
