#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_vector.h"

/* An entry, its inputs in q1. */
#define ENTRY                  \
  "ldrh r7, [r1], #2\n\t"      \
  "vldrb.8 q0, [r1], #16\n\t"  \
  "add r7, r5\n\t"             \
  "vldrb.8 q1, [r7]\n\t"       \
  "vmladava.s8 r0, q0, q1\n\t" \
  "vldrb.8 q2, [r1], #16\n\t"  \
  "vmladava.s8 r2, q2, q1\n\t" \
  "vldrb.8 q0, [r1], #16\n\t"  \
  "vmladava.s8 r4, q0, q1\n\t" \
  "vldrb.8 q2, [r1], #16\n\t"  \
  "vmladava.s8 r6, q2, q1\n\t"

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_vector_4x16(const nest_mve_vector* vector) {
  __asm__ volatile(NEST_MVE_VECTOR_BEGIN NEST_MVE_VECTOR_COUNT(
      "lr", "r1", "r9",
      NEST_MVE_ENTRY) "wls lr, lr, 2f\n"
                      "1:\n\t" ENTRY
                      "le lr, 1b\n"
                      "2:\n\t"
                      "mov r1, r9\n\t" NEST_MVE_VECTOR_END);
  (void)vector;
}
#else
typedef int nest_mve_vector_4x16_is_assembly; /* ISO C wants a declaration */
#endif
