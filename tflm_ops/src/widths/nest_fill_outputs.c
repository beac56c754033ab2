#include <string.h>

#include "widths.h"

/* Refer header file for details. Not memset, which in small C libraries goes by
 * bytes. */
void nest_fill_outputs(const nest_op* op, int8_t* output) {
  const int8_t value = (int8_t)op->output_zero_point;
  int32_t bytes = op->out_h * op->out_w * nest_out_pitch(op);
#if defined(__ARM_FEATURE_MVE)
  __asm__ volatile(
      "vdup.8 q0, %2\n\t"
      "dlstp.8 lr, %1\n"
      "1:\n\t"
      "vstrb.8 q0, [%0], #16\n\t"
      "letp lr, 1b"
      : "+r"(output)
      : "r"(bytes), "r"(value)
      : "q0", "lr", "memory");
#elif defined(__ARM_FEATURE_UNALIGNED)
  const uint32_t word = (uint8_t)value * 0x01010101u;
  for (; bytes > 0 && (uintptr_t)output % 4 != 0; --bytes) *output++ = value;
  if (bytes >= 32) {
    __asm__ volatile(
        "mov r3, %2\n\t"
        "mov r4, r3\n\t"
        "mov r5, r3\n\t"
        "mov r6, r3\n\t"
        "mov r8, r3\n\t"
        "mov r9, r3\n\t"
        "mov r10, r3\n\t"
        "mov r12, r3\n"
        "1:\n\t"
        "stm %0!, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
        "subs %1, %1, #32\n\t"
        "cmp %1, #32\n\t"
        "bge 1b"
        : "+r"(output), "+r"(bytes)
        : "r"(word)
        : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "cc", "memory");
  }
  for (; bytes >= 4; bytes -= 4, output += 4) memcpy(output, &word, 4);
  for (; bytes > 0; --bytes) *output++ = value;
#else
  memset(output, value, (size_t)bytes);
#endif
}
