#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_vector.h"

#define ROW(count, sum, stream, next, at)            \
  count("lr", stream, next, at) NEST_MVE_NARROW_ROW( \
      "16", "vldrh.u16 q0, [" stream "], #16",       \
      "vldrb.s16 q1, [" stream "], #8", "vldrb.s16", "s16", sum)

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_vector_1x1(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(NEST_MVE_VECTOR_ROWS(ROW, NEST_MVE_BY_EIGHT, "r7"));
}

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_balanced_1x1(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(NEST_MVE_BALANCED_ROWS(ROW, "r7"));
}
#else
typedef int nest_mve_vector_1x1_is_assembly; /* ISO C wants a declaration */
#endif
