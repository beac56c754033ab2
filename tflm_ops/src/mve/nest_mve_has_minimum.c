#include "mve_depthwise.h"

/* Refer header file for details. */
int nest_mve_has_minimum(const int8_t* weights, int32_t count) {
#if defined(__ARM_FEATURE_MVE)
  int32_t least = 0;
  __asm__ volatile(
      "wlstp.8 lr, %2, 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%1], #16\n\t"
      "vminv.s8 %0, q0\n\t"
      "letp lr, 1b\n"
      "2:"
      : "+r"(least), "+r"(weights)
      : "r"(count)
      : "q0", "lr", "cc", "memory");
  return least == -128;
#else
  for (; count > 0; --count) {
    if (*weights++ == -128) return 1;
  }
  return 0;
#endif
}
