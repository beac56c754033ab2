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

#endif /* NEST_SRC_DECODE_ASM_H_ */
