#include "widths.h"

/* Refer header file for details. */
void nest_fill_rest(const nest_op* op, int32_t first, int32_t end,
                    int8_t* output) {
  const int32_t pixels = op->out_h * op->out_w, pitch = nest_out_pitch(op);
  for (int32_t c = first; c < end; ++c) {
#if defined(__ARM_FEATURE_MVE)
    int8_t* to = output + c;
    int32_t start = 0;
    __asm__ volatile(
        "vidup.u32 q1, %[start], #1\n\t" /* 0 to 3 pixels on */
        "vmul.i32 q1, q1, %[pitch]\n\t"
        "vdup.8 q0, %[value]\n\t"
        "dlstp.32 lr, %[pixels]\n"
        "1:\n\t"
        "vstrb.32 q0, [%[to], q1]\n\t"
        "add %[to], %[to], %[pitch], lsl #2\n\t"
        "letp lr, 1b"
        : [to] "+r"(to), [start] "+Te"(start)
        : [pixels] "r"(pixels), [pitch] "r"(pitch),
          [value] "r"(op->output_zero_point)
        : "q0", "q1", "lr", "memory");
#else
    for (int32_t i = 0; i < pixels; ++i) {
      output[i * pitch + c] = (int8_t)op->output_zero_point;
    }
#endif
  }
}
