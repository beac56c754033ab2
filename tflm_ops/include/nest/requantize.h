/* TFLite's fixed-point requantization with double rounding, bit for bit. */
#ifndef NEST_REQUANTIZE_H_
#define NEST_REQUANTIZE_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Shift right of negative values is up to the compiler in C99; this is not, and
 * compiles to the same one instruction. */
static inline int64_t nest_floor_shift(int64_t value, int32_t bits) {
  return value >= 0 ? value >> bits : ~(~value >> bits);
}

/* round(value * multiplier / 2^31 * 2^shift), rounded to nearest after the
 * multiplication (halves up) and again after a right shift (halves away from
 * zero). shift > 0 is applied to the value first.
 * |value << shift| < 2^30, multiplier > -2^31, shift in -31..30. */
static inline int32_t nest_requantize(int32_t value, int32_t multiplier,
                                      int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0;
  const int32_t right = shift > 0 ? 0 : -shift;
  const int64_t product = (int64_t)(value * (1 << left)) * multiplier;
  /* Below 2^30, as value << shift is: the rest stays in 32 bits. */
  const int32_t high =
      (int32_t)nest_floor_shift(product + ((int64_t)1 << 30), 31);
  const int32_t half = right > 0 ? 1 << (right - 1) : 0;
  const int32_t tie = (right > 0 && high < 0) ? 1 : 0;
  const int32_t sum = high + half - tie;
  return sum >= 0 ? sum >> right : ~(~sum >> right);
}

/* The op's output value: requantized, zero point added, clamped. */
static inline int8_t nest_output(int32_t acc, int32_t multiplier, int32_t shift,
                                 int32_t zero_point, int32_t act_min,
                                 int32_t act_max) {
  int32_t value = nest_requantize(acc, multiplier, shift) + zero_point;
  if (value < act_min) value = act_min;
  if (value > act_max) value = act_max;
  return (int8_t)value;
}

#ifdef __cplusplus
}
#endif

#endif /* NEST_REQUANTIZE_H_ */
