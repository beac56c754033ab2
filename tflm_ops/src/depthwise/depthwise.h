/* The depthwise convolution of four channels at a time (Cortex-M4 and later).
 */
#ifndef NEST_SRC_DEPTHWISE_H_
#define NEST_SRC_DEPTHWISE_H_

#include "../direct.h"

/* Elsewhere the portable kernel is faster; tests turn it on. */
#ifndef NEST_DEPTHWISE_FOURS
#if defined(__ARM_FEATURE_DSP)
#define NEST_DEPTHWISE_FOURS 1
#else
#define NEST_DEPTHWISE_FOURS 0
#endif
#endif

/* The taps of a kernel that see the input at an output pixel; the assembly
 * relies on the order. Steps are from a tap to the next one, and from the end
 * of a row of taps to the next row's first. */
typedef struct nest_taps {
  const int8_t* inputs;
  const int8_t* weights;
  int32_t input_step, weight_step;
  int32_t input_skip, weight_skip;
  int32_t columns, rows;
  uint32_t minus_zero; /* - zero point in both halves */
} nest_taps;

/* The channels of one output pixel, up to `end` of the output, in multiples of
 * 4; `plans` without streams. rows and columns are 1 or more. Saturated to int8
 * only. */
void nest_depthwise_pixel(const nest_taps* taps, const nest_row* plans,
                          int8_t* output, const int8_t* end);

/* Whether the scheme is in use and fits the op: depth multiplier 1, 4 channels
 * or more, common shifts. */
NEST_COLD int nest_is_depthwise_fours(const nest_op* op);

/* All of an op that it fits; the scratch holds NEST_MAX_PLANS plans, or one for
 * each channel. */
void nest_depthwise_fours(const nest_op* op, int32_t level, const int8_t* input,
                          int8_t* output, void* scratch);

/* Sums of channels that are held at a time. */
#define NEST_MAX_SUMS 1024

/* Any op; the scratch holds NEST_MAX_SUMS sums, or one for each channel. */
NEST_RARE void nest_depthwise_portable(const nest_op* op, int32_t level,
                                       const int8_t* input, int8_t* output,
                                       int32_t* acc);

/* Weights that are copied in another order, at most. */
#define NEST_DEPTHWISE_DENSE_WEIGHTS 1024

/* One input channel: a convolution with the weights in another order. Whether
 * there is a fast kernel for that, and the op, but for its weights. */
NEST_COLD int nest_is_depthwise_dense(const nest_op* op, nest_op* dense);

/* Scratch bytes, and the op by way of `dense`. */
NEST_COLD size_t nest_depthwise_dense_buffer_size(const nest_op* dense);
void nest_depthwise_dense(const nest_op* op, nest_op* dense, int32_t level,
                          const int8_t* input, int8_t* output, void* scratch);

#endif /* NEST_SRC_DEPTHWISE_H_ */
