#include <string.h>

#include "widths.h"

/* to[0..bytes) = value, of one byte or more. Not memset: in small C libraries
 * that goes by bytes. */
static inline void fill(int8_t* to, int8_t value, int32_t bytes) {
#if defined(__ARM_FEATURE_MVE)
  __asm__ volatile(
      "vdup.8 q0, %2\n\t"
      "dlstp.8 lr, %1\n"
      "1:\n\t"
      "vstrb.8 q0, [%0], #16\n\t"
      "letp lr, 1b"
      : "+r"(to)
      : "r"(bytes), "r"(value)
      : "q0", "lr", "memory");
#elif defined(__ARM_FEATURE_UNALIGNED)
  if (bytes >= 4) { /* in words, the last one where it ends */
    const uint32_t word = (uint8_t)value * 0x01010101u;
    int8_t* const last = to + bytes - 4;
    for (; to < last - 12; to += 16) {
      memcpy(to, &word, 4);
      memcpy(to + 4, &word, 4);
      memcpy(to + 8, &word, 4);
      memcpy(to + 12, &word, 4);
    }
    for (; to < last; to += 4) memcpy(to, &word, 4);
    memcpy(last, &word, 4);
    return;
  }
  for (; bytes > 0; --bytes) *to++ = value;
#else
  memset(to, value, (size_t)bytes);
#endif
}

/* Refer header file for details. */
void nest_fill_inactive(const nest_op* op, int32_t level, int8_t* output) {
  const int32_t active = nest_active_outputs(op, level);
  const int32_t pitch = nest_out_pitch(op), bytes = pitch - active;
  const int8_t zero_point = (int8_t)op->output_zero_point;
  if (bytes == 0) return;
  output += active;
  for (int32_t left = op->out_h * op->out_w; left > 0; --left) {
    fill(output, zero_point, bytes);
    output += pitch;
  }
}
