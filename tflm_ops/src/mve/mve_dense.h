/* Dense ops with folded biases on cores with the vector extension MVE
 * (Cortex-M55): the weights times the patches of three output pixels, or of
 * one, sixteen bytes at a time. The patches are int8 and hold the zero point in
 * the padding, which the folded biases take account of. */
#ifndef NEST_SRC_MVE_DENSE_H_
#define NEST_SRC_MVE_DENSE_H_

#include "../internal.h"

/* Elsewhere the other kernels are faster; tests turn it on. */
#ifndef NEST_MVE_DENSE
#if defined(__ARM_FEATURE_MVE)
#define NEST_MVE_DENSE 1
#else
#define NEST_MVE_DENSE 0
#endif
#endif

/* Output pixels that share the loads of weights. */
#define NEST_MVE_PIXELS 3

/* Output channels that are requantized together. */
#define NEST_MVE_ROWS 4

/* Output pixels and their channels; the assembly relies on the order. */
typedef struct nest_mve_tile {
  const int8_t* inputs[NEST_MVE_PIXELS]; /* [columns] */
  const int8_t* weights; /* [channels][pitch], of which columns are used */
  const int32_t* bias;   /* folded */
  const int32_t* multiplier;
  const int8_t* shift;
  int8_t* outputs[NEST_MVE_PIXELS]; /* may be equal, if the inputs are too */
  int32_t columns;
  int8_t* end; /* of outputs[0] */
  int32_t zero_point;
  int32_t act_min, act_max;
  int32_t pitch;     /* weights from a channel to the next */
  int32_t any_shift; /* 0: all shifts are common ones */
} nest_mve_tile;

/* Three pixels, channels in multiples of NEST_MVE_ROWS. */
void nest_mve_three_pixels(const nest_mve_tile* tile);

/* The first of the pixels, any number of channels. */
void nest_mve_one_pixel(const nest_mve_tile* tile);

/* The three pixels, any number of channels; it changes the tile. */
void nest_mve_pixels(nest_mve_tile* tile);

/* Whether the scheme is in use and the op has what it takes. */
int nest_is_mve_dense(const nest_op* op);

/* Output pixels whose patches are made at a time: NEST_MVE_PIXELS, or 1. */
int32_t nest_mve_pixels_of(const nest_op* op);

/* Scratch bytes of nest_run_mve_dense. */
size_t nest_mve_dense_buffer_size(const nest_op* op);

/* Conv 2D or fully connected with op->dense at a level, one image. */
void nest_run_mve_dense(const nest_op* op, int32_t level, const int8_t* input,
                        int8_t* output, void* scratch);

#endif /* NEST_SRC_MVE_DENSE_H_ */
