#include "../dense/dense.h"
#include "../mve/mve_dense.h"
#include "depthwise.h"

/* Refer header file for details. */
void nest_depthwise_dense(const nest_op* op, nest_op* dense, int32_t level,
                          const int8_t* input, int8_t* output, void* scratch) {
  const int32_t columns = op->columns, out_c = op->out_c;
  const size_t bytes = (size_t)columns * (size_t)out_c;
  int8_t* weights =
      (int8_t*)scratch + nest_depthwise_dense_buffer_size(dense) - bytes;
  dense->dense = weights;
  for (int32_t c = 0; c < out_c; ++c) {
    const int8_t* from = op->dense + c;
    for (int32_t k = 0; k < columns; ++k, from += out_c) *weights++ = *from;
  }
  if (NEST_MVE_DENSE && nest_is_mve_dense(dense)) {
    nest_run_mve_dense(dense, level, input, output, scratch);
  } else {
    nest_run_dense_patches(dense, level, input, output, scratch);
  }
}
