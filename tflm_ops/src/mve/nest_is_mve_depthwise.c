#include "mve_depthwise.h"

/* Refer header file for details. */
int nest_is_mve_depthwise(const nest_op* op) {
  return NEST_MVE_DEPTHWISE && op->folded != NULL &&
         op->kind == NEST_DEPTHWISE_CONV_2D && op->in_c == op->out_c &&
         op->columns <= NEST_MVE_MAX_TAPS;
}
