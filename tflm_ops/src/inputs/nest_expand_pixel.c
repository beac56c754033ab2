#include <string.h>

#include "../direct.h"
#include "expand.h"

static void expand_quads(const int8_t* from, int32_t channels, uint32_t zero,
                         uint8_t* to, int32_t plane_bytes) {
  for (int32_t c = 0; c < channels; c += 4, from += 4, to += plane_bytes) {
    uint32_t even, odd;
    nest_expand4(from, zero, &even, &odd);
    nest_store_word(to, even);
    nest_store_word(to + 4, odd);
  }
}

static void expand_pairs(const int8_t* from, int32_t channels, uint32_t zero,
                         uint8_t* to, int32_t plane_bytes) {
  for (; channels >= 4; channels -= 4, from += 4, to += 2 * plane_bytes) {
    uint32_t even, odd;
    nest_expand4(from, zero, &even, &odd);
    nest_store_word(to, (even & 0xffffu) | odd << 16);
    nest_store_word(to + plane_bytes, even >> 16 | (odd & 0xffff0000u));
  }
  if (channels > 0) {
    const uint32_t low = (uint32_t)(2 * from[0] + 256) - (zero & 0xffffu);
    const uint32_t high = (uint32_t)(2 * from[1] + 256) - (zero & 0xffffu);
    nest_store_word(to, (low & 0xffffu) | high << 16);
  }
}

static void expand_singles(const int8_t* from, int32_t channels, uint32_t zero,
                           uint8_t* to, int32_t plane_bytes) {
  for (; channels > 0; --channels, ++from, to += plane_bytes) {
    const uint32_t value = (uint32_t)(2 * *from + 256) - (zero & 0xffffu);
    memcpy(to, &value, 2);
  }
}

/* Refer header file for details. */
void nest_expand_pixel(const nest_op* op, const nest_layout* layout,
                       const int8_t* from, uint8_t* to) {
  const uint32_t zero = nest_zero_of(op);
  if (layout->lanes == 4) {
    expand_quads(from, op->in_c, zero, to, layout->plane_bytes);
  } else if (layout->lanes == 1) {
    expand_singles(from, op->in_c, zero, to, layout->plane_bytes);
  } else {
    expand_pairs(from, op->in_c, zero, to, layout->plane_bytes);
  }
}
