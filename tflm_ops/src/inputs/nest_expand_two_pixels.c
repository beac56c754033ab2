#include <string.h>

#include "../direct.h"
#include "expand.h"

/* Refer header file for details. */
void nest_expand_two_pixels(const nest_op* op, const nest_layout* layout,
                            const int8_t* from, int32_t pitch, uint8_t* to) {
  const uint32_t zero = nest_zero_of(op);
  const int8_t* second = from + pitch;
  const int32_t plane_bytes = layout->plane_bytes;
  for (int32_t c = 0; c < op->in_c; c += 4, to += 4 * plane_bytes) {
    uint32_t even, odd, second_even, second_odd;
    nest_expand4(from + c, zero, &even, &odd);
    nest_expand4(second + c, zero, &second_even, &second_odd);
    nest_store_word(to, (even & 0xffffu) | second_even << 16);
    nest_store_word(to + plane_bytes, (odd & 0xffffu) | second_odd << 16);
    nest_store_word(to + 2 * plane_bytes,
                    even >> 16 | (second_even & 0xffff0000u));
    nest_store_word(to + 3 * plane_bytes,
                    odd >> 16 | (second_odd & 0xffff0000u));
  }
}
