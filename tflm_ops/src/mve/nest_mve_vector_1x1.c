#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_vector.h"

/* A record: sum += weight * input for the weights of its entries; beyond the
 * level's entries nothing counts. */
#define ROW(count, sum, stream, next) \
  count("lr", stream, next, NEST_MVE_BY_EIGHT) \
  "wlstp.16 lr, lr, 2f\n"                                      \
  "1:\n\t"                                                     \
  "vldrh.u16"                                                  \
  " q0, [" stream                                              \
  "], #16\n\t"                                                 \
  "vldrb.s16"                                                  \
  " q1, [" stream                                              \
  "], #8\n\t"                                                  \
  "vldrb.s16"                                                  \
  " q2, [r5, q0]\n\t"                                          \
  "vmladava.s16 " sum                                          \
  ", q1, q2\n\t"                                               \
  "letp lr, 1b\n"                                              \
  "2:\n\t"

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_vector_1x1(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(NEST_MVE_VECTOR_ROWS(ROW, NEST_MVE_VECTOR_COUNT, "r7"));
}

/* Refer header file for details. */
const uint8_t* __attribute__((naked))
nest_mve_balanced_1x1(__attribute__((unused)) const nest_mve_vector* vector) {
  __asm__ volatile(NEST_MVE_VECTOR_ROWS(ROW, NEST_MVE_VECTOR_SAME, "r7"));
}
#else
typedef int nest_mve_vector_1x1_is_assembly; /* ISO C wants a declaration */
#endif
