#include "../dense/dense.h"
#include "../mve/mve_dense.h"
#include "depthwise.h"

/* Refer header file for details. */
size_t nest_depthwise_dense_buffer_size(const nest_op* dense) {
  const size_t weights = (size_t)dense->columns * (size_t)dense->out_c;
  if (NEST_MVE_DENSE && nest_is_mve_dense(dense)) {
    return nest_mve_dense_buffer_size(dense) + weights;
  }
  return nest_dense_patches_buffer_size(dense) + weights;
}
