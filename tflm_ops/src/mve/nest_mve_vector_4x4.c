#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_vector.h"

/* A record of four entries, their inputs in q1; beyond the level's entries
 * nothing counts. */
#define RECORD                 \
  "vldrh.u32 q0, [r1], #8\n\t" \
  "vldrw.u32 q1, [r5, q0]\n\t" \
  "vldrb.8 q2, [r1], #16\n\t"  \
  "vmladava.s8 r0, q2, q1\n\t" \
  "vldrb.8 q3, [r1], #16\n\t"  \
  "vmladava.s8 r2, q3, q1\n\t" \
  "vldrb.8 q2, [r1], #16\n\t"  \
  "vmladava.s8 r4, q2, q1\n\t" \
  "vldrb.8 q3, [r1], #16\n\t"  \
  "vmladava.s8 r6, q3, q1\n\t"

#define KERNEL(count)       \
  NEST_MVE_VECTOR_BEGIN("") \
  count("lr", "add r9, #3\n\tlsr r9, #2\n\t") \
  "wlstp.32 lr, lr, 2f\n" \
  "1:\n\t" \
  RECORD \
  "letp lr, 1b\n" \
  "2:\n\t" \
  "mov r1, r9\n\t" \
  NEST_MVE_VECTOR_END

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_vector_4x4(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(KERNEL(NEST_MVE_VECTOR_COUNT));
}

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_balanced_4x4(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(KERNEL(NEST_MVE_VECTOR_SAME));
}
#else
typedef int nest_mve_vector_4x4_is_assembly; /* ISO C wants a declaration */
#endif
