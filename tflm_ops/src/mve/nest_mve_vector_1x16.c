#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_vector.h"

/* sum += weight * input for the 16 weights of an entry: weights in q0. */
#define ENTRY(sum, from) \
  "vldrb.8 q1, [" from   \
  "]\n\t"                \
  "vmladava.s8 " sum ", q0, q1\n\t"
/* Records of two entries, then one more if the number is odd: C holds it from
 * LSRS on. */
#define ROW(count, sum, stream, next, at) \
  count("r3", stream, next, at) \
  "lsrs r3, #1\n\t" \
  "wls lr, r3, 2f\n" \
  "1:\n\t" \
  "ldr r7, [" stream "], #4\n\t" \
  "vldrb.8 q0, [" stream "], #16\n\t" \
  "uxtah r3, r5, r7\n\t" \
  ENTRY(sum, "r3") \
  "vldrb.8 q0, [" stream "], #16\n\t" \
  "add r7, r5, r7, lsr #16\n\t" \
  ENTRY(sum, "r7") \
  "le lr, 1b\n" \
  "2:\n\t" \
  "bcc 3f\n\t" \
  "ldrh r7, [" stream "]\n\t" \
  "vldrb.8 q0, [" stream ", #4]\n\t" \
  "add r7, r5\n\t" \
  ENTRY(sum, "r7") \
  "3:\n\t"

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_vector_1x16(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(NEST_MVE_VECTOR_ROWS(ROW, NEST_MVE_BY_TWO, "r9"));
}

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_balanced_1x16(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(NEST_MVE_BALANCED_ROWS(ROW, "r9"));
}
#else
typedef int nest_mve_vector_1x16_is_assembly; /* ISO C wants a declaration */
#endif
