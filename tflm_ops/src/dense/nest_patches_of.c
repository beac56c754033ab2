#include "patches.h"

/* Refer header file for details. */
nest_patches nest_patches_of(const nest_op* op, const int8_t* input) {
  nest_patches p;
  p.op = op;
  p.input = input;
  p.y = -op->pad_top;
  p.x = -op->pad_left;
  p.ox = 0;
  p.run = op->kernel_w * op->in_c;
  p.runs = op->kernel_h;
  p.pitch = nest_place_of(op, op->dilation_h, 0);
  p.last_y = op->in_h - 1 - (op->kernel_h - 1) * op->dilation_h;
  /* Of a dilated kernel, a row of taps is not in one piece. */
  p.last_x = op->dilation_w == 1 ? op->in_w - op->kernel_w : -1;
  p.at = nest_place_of(op, p.y, p.x);
  return p;
}
