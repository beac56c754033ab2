/* The depthwise convolution with folded biases on cores with the vector
 * extension MVE (Cortex-M55), sixteen channels at a time. */
#ifndef NEST_SRC_MVE_DEPTHWISE_H_
#define NEST_SRC_MVE_DEPTHWISE_H_

#include "../internal.h"

/* Elsewhere the other kernels are faster; tests turn it on. */
#ifndef NEST_MVE_DEPTHWISE
#if defined(__ARM_FEATURE_MVE)
#define NEST_MVE_DEPTHWISE 1
#else
#define NEST_MVE_DEPTHWISE 0
#endif
#endif

/* Taps of a kernel, at most: their places take 8 bytes of scratch each. */
#define NEST_MVE_MAX_TAPS 256

/* An output pixel; the assembly relies on the order. */
typedef struct nest_mve_taps {
  const uintptr_t* inputs; /* address - base of each tap's [channels] */
  const int8_t* weights;   /* the end of the first tap's [channels] */
  const int32_t* bias;     /* folded */
  const int32_t* multiplier;
  const int8_t* shift;
  int8_t* output;
  uintptr_t base;
  int32_t channels;
  int32_t pairs;   /* of taps whose products may be added as int16 */
  int32_t singles; /* taps after them */
  int32_t zero_point;
  int32_t act_min, act_max;
  int32_t any_shift; /* 0: all shifts are common ones */
  int32_t pitch;     /* weights from a tap to the next */
} nest_mve_taps;

/* All channels of one output pixel. */
void nest_mve_depthwise_pixel(const nest_mve_taps* taps);

/* Whether a weight is -128: two products with it and -128 exceed int16. */
int nest_mve_has_minimum(const int8_t* weights, int32_t count);

/* Whether the scheme is in use and the op has what it takes: folded biases a
 * depth multiplier of 1, not too many taps. */
int nest_is_mve_depthwise(const nest_op* op);

/* Scratch bytes of nest_run_mve_depthwise. */
size_t nest_mve_depthwise_buffer_size(const nest_op* op);

/* A depthwise op at a level, one image. */
void nest_run_mve_depthwise(const nest_op* op, int32_t level,
                            const int8_t* input, int8_t* output, void* scratch);

#endif /* NEST_SRC_MVE_DEPTHWISE_H_ */
