/* nest_requantize for four lanes, in assembly (MVE). */
#ifndef NEST_SRC_MVE_REQUANTIZE_H_
#define NEST_SRC_MVE_REQUANTIZE_H_

/* sum = nest_requantize(sum, multiplier, shift) where all shifts are to the
 * right, by 1 or more (`shift` is negative); `tie` is overwritten. Arguments
 * name vector registers.
 *   VQRDMULH: (2 * a * b + (1 << 31)) >> 32
 *   VRSHL by -n: (a + (1 << (n - 1))) >> n, halves up; with one less than a
 *   negative a, halves away from zero. */
#define NEST_MVE_REQUANTIZE(sum, multiplier, shift, tie) \
  "vqrdmulh.s32 " sum ", " sum ", " multiplier           \
  "\n\t"                                                 \
  "vshr.s32 " tie ", " sum                               \
  ", #31\n\t"                                            \
  "vadd.i32 " sum ", " sum ", " tie                      \
  "\n\t"                                                 \
  "vrshl.s32 " sum ", " sum ", " shift "\n\t"

/* The same for shifts of 0 and more to the right; where a shift is to the left,
 * `sum` is shifted already, and `shift` 0. */
#define NEST_MVE_REQUANTIZE_ANY(sum, multiplier, shift, tie) \
  "vqrdmulh.s32 " sum ", " sum ", " multiplier               \
  "\n\t"                                                     \
  "vand " tie ", " sum ", " shift                            \
  "\n\t"                                                     \
  "vshr.s32 " tie ", " tie                                   \
  ", #31\n\t"                                                \
  "vadd.i32 " sum ", " sum ", " tie                          \
  "\n\t"                                                     \
  "vrshl.s32 " sum ", " sum ", " shift "\n\t"

/* sum = sum + zero_point (a core register) within bounds. */
#define NEST_MVE_CLAMP(sum, zero_point, least, most) \
  "vadd.i32 " sum ", " sum ", " zero_point           \
  "\n\t"                                             \
  "vmax.s32 " sum ", " sum ", " least                \
  "\n\t"                                             \
  "vmin.s32 " sum ", " sum ", " most "\n\t"

#endif /* NEST_SRC_MVE_REQUANTIZE_H_ */
