#include <string.h>

#include "direct.h"

/* The first bytes, as many at a time as the core can; returns how many. */
static size_t clamp_words(int8_t* output, size_t bytes, int8_t low,
                          int8_t high) {
#if defined(__ARM_FEATURE_MVE)
  int8_t* to = output;
  __asm__ volatile(
      "vdup.8 q1, %2\n\t"
      "vdup.8 q2, %3\n\t"
      "wlstp.8 lr, %1, 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%0]\n\t"
      "vmax.s8 q0, q0, q1\n\t"
      "vmin.s8 q0, q0, q2\n\t"
      "vstrb.8 q0, [%0], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : "+r"(to)
      : "r"(bytes), "r"(low), "r"(high)
      : "q0", "q1", "q2", "lr", "cc", "memory");
  return bytes;
#elif defined(__ARM_FEATURE_DSP)
  /* SSUB8 notes the differences that are not negative, SEL takes the bytes of
   * its first operand there: word = max(word, low), word = min(word, high). */
  const uint32_t lows = (uint8_t)low * 0x01010101u;
  const uint32_t highs = (uint8_t)high * 0x01010101u;
  size_t done = 0;
  for (; done + 4 <= bytes; done += 4) {
    uint32_t word, difference;
    memcpy(&word, output + done, 4);
    __asm__(
        "ssub8 %1, %0, %2\n\t"
        "sel %0, %0, %2\n\t"
        "ssub8 %1, %3, %0\n\t"
        "sel %0, %0, %3"
        : "+r"(word), "=&r"(difference)
        : "r"(lows), "r"(highs)
        : "cc");
    memcpy(output + done, &word, 4);
  }
  return done;
#else
  (void)output;
  (void)bytes;
  (void)low;
  (void)high;
  return 0;
#endif
}

/* Refer header file for details. */
void nest_clamp(const nest_op* op, int8_t* output, size_t bytes) {
  if (op->act_min == -128 && op->act_max == 127) return;
  const int8_t low = (int8_t)op->act_min, high = (int8_t)op->act_max;
  for (size_t i = clamp_words(output, bytes, low, high); i < bytes; ++i) {
    const int8_t value = output[i] < low ? low : output[i];
    output[i] = value > high ? high : value;
  }
}
