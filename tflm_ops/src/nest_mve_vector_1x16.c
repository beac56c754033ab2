#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_vector.h"

/* sum += weights[i] * inputs[offset + i] for the 16 weights of an entry. */
#define ENTRY(sum, stream) \
  "ldrh r7, [" stream      \
  "], #2\n\t"              \
  "vldrb.8 q0, [" stream   \
  "], #16\n\t"             \
  "add r7, r5\n\t"         \
  "vldrb.8 q1, [r7]\n\t"   \
  "vmladava.s8 " sum ", q0, q1\n\t"
/* Two entries at a time, and one more if their number is odd. */
#define ROW(sum, stream, next)                              \
  NEST_MVE_VECTOR_COUNT("r3", stream, next, NEST_MVE_ENTRY) \
  "lsrs r3, #1\n\t" \
  "wls lr, r3, 2f\n" \
  "1:\n\t" \
  ENTRY(sum, stream) \
  ENTRY(sum, stream) \
  "le lr, 1b\n" \
  "2:\n\t" \
  "bcc 3f\n\t" \
  ENTRY(sum, stream) \
  "3:\n\t"

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_vector_1x16(const nest_mve_vector* vector) {
  __asm__ volatile(NEST_MVE_VECTOR_ROWS(ROW, "r9"));
  (void)vector;
}
#else
typedef int nest_mve_vector_1x16_is_assembly; /* ISO C wants a declaration */
#endif
