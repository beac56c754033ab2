#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_vector.h"

#define ROW(count, sum, stream, next, at)                                      \
  count("lr", stream, next, at) NEST_MVE_NARROW_ROW(                           \
      "32", "vldrh.u32 q0, [" stream "], #8", "vldrb.8 q1, [" stream "], #16", \
      "vldrw.u32", "s8", sum)

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_vector_1x4(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(NEST_MVE_VECTOR_ROWS(ROW, NEST_MVE_BY_FOUR, "r7"));
}

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_balanced_1x4(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(NEST_MVE_BALANCED_ROWS(ROW, "r7"));
}
#else
typedef int nest_mve_vector_1x4_is_assembly; /* ISO C wants a declaration */
#endif
