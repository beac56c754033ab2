/* What the functions that expand the input share. */
#ifndef NEST_SRC_EXPAND_H_
#define NEST_SRC_EXPAND_H_

#include <string.h>

#include "../direct.h"

/* 2 * (zero point + 128) in both halves of a word. */
static inline uint32_t nest_zero_of(const nest_op* op) {
  return (uint32_t)(op->input_zero_point + 128) * 0x00020002u;
}

/* a - b in both halves of a word. */
static inline uint32_t nest_subtract_halves(uint32_t a, uint32_t b) {
#if defined(__ARM_FEATURE_DSP)
  uint32_t difference;
  __asm__("ssub16 %0, %1, %2" : "=r"(difference) : "r"(a), "r"(b));
  return difference;
#else
  return ((a | 0x80008000u) - b) ^ (0x80008000u & ~a);
#endif
}

/* Four channels: 2 * (x - zero point) of 0 and 2 in *even, 1 and 3 in *odd.
 * `zero` is nest_zero_of. */
static inline void nest_expand4(const int8_t* from, uint32_t zero,
                                uint32_t* even, uint32_t* odd) {
  uint32_t bytes;
  memcpy(&bytes, from, 4);
  bytes ^= 0x80808080u; /* x + 128, unsigned */
  *even = nest_subtract_halves(bytes << 1 & 0x01fe01feu, zero);
  *odd = nest_subtract_halves(bytes >> 7 & 0x01fe01feu, zero);
}

/* At any address. */
static inline void nest_store_word(uint8_t* to, uint32_t word) {
  memcpy(to, &word, 4);
}

#endif /* NEST_SRC_EXPAND_H_ */
