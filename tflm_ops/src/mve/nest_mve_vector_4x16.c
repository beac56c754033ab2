#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_vector.h"

/* A row of both entries of a record, their inputs in q1 and q2. */
#define ROW(sum)              \
  "vldrb.8 q0, [r1], #16\n\t" \
  "vmladava.s8 " sum          \
  ", q0, q1\n\t"              \
  "vldrb.8 q3, [r1], #16\n\t" \
  "vmladava.s8 " sum ", q3, q2\n\t"
/* A row of the first entry alone. */
#define HALF(sum, at)     \
  "vldrb.8 q0, [r1, #" at \
  "]\n\t"                 \
  "vmladava.s8 " sum ", q0, q1\n\t"

#define KERNEL(count)       \
  NEST_MVE_VECTOR_BEGIN("") \
  count("r3", "add r9, #1\n\tlsr r9, #1\n\t") \
  "lsrs r3, #1\n\t" \
  "wls lr, r3, 2f\n" \
  "1:\n\t" \
  "ldr r7, [r1], #4\n\t" \
  "uxtah r3, r5, r7\n\t" \
  "vldrb.8 q1, [r3]\n\t" \
  "add r7, r5, r7, lsr #16\n\t" \
  "vldrb.8 q2, [r7]\n\t" \
  ROW("r0") \
  ROW("r2") \
  ROW("r4") \
  ROW("r6") \
  "le lr, 1b\n" \
  "2:\n\t" \
  "bcc 3f\n\t" \
  "ldrh r7, [r1]\n\t" \
  "add r7, r5\n\t" \
  "vldrb.8 q1, [r7]\n\t" \
  HALF("r0", "4") \
  HALF("r2", "36") \
  HALF("r4", "68") \
  HALF("r6", "100") \
  "3:\n\t" \
  "mov r1, r9\n\t" \
  NEST_MVE_VECTOR_END

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_vector_4x16(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(KERNEL(NEST_MVE_VECTOR_COUNT));
}

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_balanced_4x16(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(KERNEL(NEST_MVE_VECTOR_SAME));
}
#else
typedef int nest_mve_vector_4x16_is_assembly; /* ISO C wants a declaration */
#endif
