/* The patch of an output pixel: its inputs in the order of a row of weights,
 * int8, with the input's zero point in the padding. */
#ifndef NEST_SRC_PATCHES_H_
#define NEST_SRC_PATCHES_H_

#include "../internal.h"

/* Walks the output pixels of a conv 2D or fully connected op, row by row. */
typedef struct nest_patches {
  const nest_op* op;
  const int8_t* input;
  /* The window's first tap, and bytes from one row of taps to the next: modulo
   * 2^32 or more, since the padding may be anywhere. */
  uintptr_t at, pitch;
  int32_t y, x; /* the first tap's row and column */
  int32_t ox;
  int32_t run, runs;      /* bytes of a row of taps; rows */
  int32_t last_y, last_x; /* up to which from 0 on the window is inside */
} nest_patches;

/* The bytes from the input's beginning to a pixel, modulo 2^32 or more. */
static inline uintptr_t nest_place_of(const nest_op* op, int32_t y, int32_t x) {
  return ((uintptr_t)y * (uintptr_t)op->in_w + (uintptr_t)x) *
         (uintptr_t)nest_in_pitch(op);
}

NEST_AROUND nest_patches nest_patches_of(const nest_op* op,
                                         const int8_t* input);

/* The next output pixel's patch[columns]; of a 1x1 kernel it lies in the input,
 * otherwise it is copied to `patch`. */
const int8_t* nest_next_patch(nest_patches* patches, int8_t* patch);

#endif /* NEST_SRC_PATCHES_H_ */
