#include <string.h>

#include "direct.h"

/* a - b in both halves of a word. */
static inline uint32_t subtract_halves(uint32_t a, uint32_t b) {
#if defined(__ARM_FEATURE_DSP)
  uint32_t difference;
  __asm__("ssub16 %0, %1, %2" : "=r"(difference) : "r"(a), "r"(b));
  return difference;
#else
  return ((a | 0x80008000u) - b) ^ (0x80008000u & ~a);
#endif
}

/* Four channels: 2 * (x - zero point) of 0 and 2 in *even, 1 and 3 in *odd.
 * `zero` is 2 * (zero point + 128) in both halves. */
static inline void expand4(const int8_t* from, uint32_t zero, uint32_t* even,
                           uint32_t* odd) {
  uint32_t bytes;
  memcpy(&bytes, from, 4);
  bytes ^= 0x80808080u; /* x + 128, unsigned */
  *even = subtract_halves(bytes << 1 & 0x01fe01feu, zero);
  *odd = subtract_halves(bytes >> 7 & 0x01fe01feu, zero);
}

static inline void store(uint8_t* to, uint32_t word) { memcpy(to, &word, 4); }

static void expand_quads(const int8_t* from, int32_t channels, uint32_t zero,
                         uint8_t* to, int32_t plane_bytes) {
  for (int32_t c = 0; c < channels; c += 4, from += 4, to += plane_bytes) {
    uint32_t even, odd;
    expand4(from, zero, &even, &odd);
    store(to, even);
    store(to + 4, odd);
  }
}

static void expand_pairs(const int8_t* from, int32_t channels, uint32_t zero,
                         uint8_t* to, int32_t plane_bytes) {
  for (; channels >= 4; channels -= 4, from += 4, to += 2 * plane_bytes) {
    uint32_t even, odd;
    expand4(from, zero, &even, &odd);
    store(to, (even & 0xffffu) | odd << 16);
    store(to + plane_bytes, even >> 16 | (odd & 0xffff0000u));
  }
  if (channels > 0) {
    const uint32_t low = (uint32_t)(2 * from[0] + 256) - (zero & 0xffffu);
    const uint32_t high = (uint32_t)(2 * from[1] + 256) - (zero & 0xffffu);
    store(to, (low & 0xffffu) | high << 16);
  }
}

/* Refer header file for details. */
void nest_expand_pixel(const nest_op* op, const nest_layout* layout,
                       const int8_t* from, uint8_t* to) {
  const uint32_t zero = (uint32_t)(op->input_zero_point + 128) * 0x00020002u;
  if (layout->lanes == 4) {
    expand_quads(from, op->in_c, zero, to, layout->plane_bytes);
  } else {
    expand_pairs(from, op->in_c, zero, to, layout->plane_bytes);
  }
}
