#include "../direct.h"

#if defined(__ARM_FEATURE_DSP)

/* What does not change from pixel to pixel; the assembly relies on the order.
 */
typedef struct expansion {
  int32_t step;  /* from the end of four pixels to the next plane */
  int32_t quads; /* of channels */
  uint32_t zero; /* 2 * (zero point + 128), in both halves */
} expansion;

/* Two pixels of four channels, at `from` and `from` + r1: in C, for each
 *   bytes = load4(from) ^ 0x80808080;             x + 128, unsigned
 *   *to++ = (bytes << 1 & 0x01fe01fe) - zero;     channels 0 and 2
 *   *to++ = (bytes >> 7 & 0x01fe01fe) - zero;     channels 1 and 3
 * with to in r2, the mask in r10, zero in r9; the subtractions are in halves of
 * a word, and left out where zero is 0. */
#define TWO_PIXELS(from, subtract) \
  "ldr r8, [" from                 \
  ", r1]\n\t"                      \
  "ldr r5, [" from                 \
  "], #4\n\t"                      \
  "eor r8, r8, #0x80808080\n\t"    \
  "eor r5, r5, #0x80808080\n\t"    \
  "and r6, r10, r8, lsl #1\n\t"    \
  "and r8, r10, r8, lsr #7\n\t"    \
  "and r4, r10, r5, lsl #1\n\t"    \
  "and r5, r10, r5, lsr #7\n\t" subtract "stm r2!, {r4, r5, r6, r8}\n\t"
#define SUBTRACT          \
  "ssub16 r4, r4, r9\n\t" \
  "ssub16 r5, r5, r9\n\t" \
  "ssub16 r6, r6, r9\n\t" \
  "ssub16 r8, r8, r9\n\t"
#define FOUR_PIXELS(label, subtract) \
  label ":\n\t"                          \
  TWO_PIXELS("r0", subtract)             \
  TWO_PIXELS("r12", subtract)            \
  "add r2, r3\n\t"                       \
  "subs r7, #1\n\t"                      \
  "bne " label "b\n\t"                   \
  "pop {r4-r10, pc}\n"

/* All channels of four pixels, `pitch` bytes apart. */
static void __attribute__((naked, noinline))
expand_four(__attribute__((unused)) const int8_t* from,
            __attribute__((unused)) int32_t pitch,
            __attribute__((unused)) uint8_t* to,
            __attribute__((unused)) const expansion* with) {
  __asm__ volatile(
      "push {r4-r10, lr}\n\t"
      "add r12, r0, r1, lsl #1\n\t"
      "ldm r3, {r3, r7, r9}\n\t"
      "movw r10, #0x01fe\n\t"
      "movt r10, #0x01fe\n\t"
      "cmp r9, #0\n\t"
      "bne 2f\n" FOUR_PIXELS("1", "") FOUR_PIXELS("2", SUBTRACT));
}
#endif

/* Refer header file for details. */
void nest_expand_pixels(const nest_op* op, const nest_layout* layout,
                        const int8_t* from, int32_t pitch, int32_t pixels,
                        uint8_t* to) {
#if defined(__ARM_FEATURE_DSP)
  const expansion with = {layout->plane_bytes - 32, op->in_c / 4,
                          (uint32_t)(op->input_zero_point + 128) * 0x00020002u};
  for (; layout->lanes == 4 && pixels >= 4; pixels -= 4) {
    expand_four(from, pitch, to, &with);
    from += 4 * pitch;
    to += 32;
  }
#endif
  if (layout->lanes == 1 && op->in_c % 4 == 0) {
    for (; pixels >= 2; pixels -= 2) {
      nest_expand_two_pixels(op, layout, from, pitch, to);
      from += 2 * pitch;
      to += 4;
    }
  }
  for (; pixels > 0; --pixels) {
    nest_expand_pixel(op, layout, from, to);
    from += pitch;
    to += 2 * layout->lanes;
  }
}
