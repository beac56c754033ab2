#include "bits/bits.h"
#include "cmsis_nn/cmsis_nn.h"
#include "decoded/decode.h"
#include "dense/dense.h"
#include "mve/mve_dense.h"
#include "vectors/vectors.h"
#include "widths/widths.h"

/* What the levels that have rings take. */
static size_t sparse_bytes(const nest_op* op) {
  if (op->encoding == NEST_VECTORS) return nest_vectors_buffer_size(op);
  if (op->encoding == NEST_OFFSETS) return nest_direct_buffer_size(op);
  if (NEST_DECODE && nest_is_decoded(op)) return nest_decoded_buffer_size(op);
  return nest_tiles_buffer_size(op);
}

/* What the levels that have all weights take. */
static size_t dense_bytes(const nest_op* op) {
  if (NEST_MVE_DENSE && nest_is_mve_dense(op)) {
    return nest_mve_dense_buffer_size(op);
  }
  if (NEST_DIRECT_DENSE && nest_is_direct_dense(op)) {
    return nest_dense_buffer_size(op);
  }
  const size_t tiles = nest_tiles_buffer_size(op);
  const size_t cmsis_nn = NEST_USE_CMSIS_NN && !nest_has_widths(op) &&
                                  nest_out_pitch(op) == op->out_c
                              ? nest_cmsis_nn_buffer_size(op)
                              : 0;
  return tiles > cmsis_nn ? tiles : cmsis_nn;
}

/* Refer header file for details. */
size_t nest_op_buffer_size(const nest_op* op) {
  if (nest_has_widths(op)) return nest_most_of_levels(op, dense_bytes);
  if (nest_has_bits(op)) return nest_bits_buffer_size(op, dense_bytes);
  const size_t sparse = nest_rings(op) > 0 ? sparse_bytes(op) : 0;
  const size_t dense = nest_has_dense(op) ? dense_bytes(op) : 0;
  return sparse > dense ? sparse : dense;
}
