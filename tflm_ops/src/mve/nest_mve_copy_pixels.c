#include "mve.h"

#if defined(__ARM_FEATURE_MVE)

/* Four pixels, side by side. */
static void copy_four(const int8_t* from, int32_t pitch, uint8_t* to,
                      int32_t plane_bytes, int32_t planes) {
  const int8_t* from1 = from + pitch;
  const int8_t* from2 = from1 + pitch;
  const int8_t* from3 = from2 + pitch;
  __asm__ volatile(
      "dls lr, %6\n"
      "1:\n\t"
      "vldrb.8 q0, [%1], #16\n\t"
      "vldrb.8 q1, [%2], #16\n\t"
      "vldrb.8 q2, [%3], #16\n\t"
      "vldrb.8 q3, [%4], #16\n\t"
      "vstrb.8 q0, [%0]\n\t"
      "vstrb.8 q1, [%0, #16]\n\t"
      "vstrb.8 q2, [%0, #32]\n\t"
      "vstrb.8 q3, [%0, #48]\n\t"
      "add %0, %5\n\t"
      "le lr, 1b"
      : "+r"(to), "+r"(from), "+r"(from1), "+r"(from2), "+r"(from3)
      : "r"(plane_bytes), "r"(planes)
      : "q0", "q1", "q2", "q3", "lr", "memory");
}

static void copy_one(const int8_t* from, uint8_t* to, int32_t plane_bytes,
                     int32_t planes) {
  __asm__ volatile(
      "dls lr, %3\n"
      "1:\n\t"
      "vldrb.8 q0, [%1], #16\n\t"
      "vstrb.8 q0, [%0]\n\t"
      "add %0, %2\n\t"
      "le lr, 1b"
      : "+r"(to), "+r"(from)
      : "r"(plane_bytes), "r"(planes)
      : "q0", "lr", "memory");
}

/* Refer header file for details. */
void nest_mve_copy_pixels(const nest_op* op, const nest_layout* layout,
                          const int8_t* from, int32_t pitch, int32_t pixels,
                          uint8_t* to, int32_t to_step) {
  if (pixels <= 0) return;
  const int32_t lanes = layout->lanes;
  if (pitch == lanes) {
    nest_mve_copy(to, from, pixels * pitch);
    return;
  }
  if (op->block_cols != 16) {
    for (; pixels > 0; --pixels, from += pitch, to += lanes) {
      nest_mve_copy(to, from, lanes);
    }
    return;
  }
  const int32_t planes = op->in_c / 16;
  for (; pixels >= 4; pixels -= 4, from += 4 * pitch, to += to_step) {
    copy_four(from, pitch, to, layout->plane_bytes, planes);
  }
  for (; pixels > 0; --pixels, from += pitch, to += 16) {
    copy_one(from, to, layout->plane_bytes, planes);
  }
}
#else
typedef int nest_mve_copy_pixels_is_for_mve; /* ISO C wants a declaration */
#endif
