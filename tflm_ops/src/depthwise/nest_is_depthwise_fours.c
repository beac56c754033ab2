#include "depthwise.h"

/* Refer header file for details. */
int nest_is_depthwise_fours(const nest_op* op) {
  return NEST_DEPTHWISE_FOURS && op->common_shifts && op->in_c == op->out_c &&
         op->out_c >= 4;
}
