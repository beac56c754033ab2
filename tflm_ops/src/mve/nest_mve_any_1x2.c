#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
#include "mve_rows.h"

/* Refer header file for details. */
void __attribute__((naked))
nest_mve_any_1x2(__attribute__((unused)) const nest_mve_tiles* tiles) {
  __asm__ volatile(NEST_MVE_ANY_KERNEL(NEST_MVE_1X2_LOOP));
}
#else
typedef int nest_mve_any_1x2_is_assembly; /* ISO C wants a declaration */
#endif
