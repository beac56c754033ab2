#include "../run_dense.h"
#include "bits.h"

/* Refer header file for details. */
void nest_run_bits(const nest_op* op, int32_t level, const int8_t* input,
                   int8_t* output, void* scratch, nest_op* part) {
  const uint8_t* high = nest_high_plane(op);
  const uint8_t* low =
      nest_is_four_bits(op, level) ? NULL : high + nest_plane_bytes(op);
  const int32_t most = nest_bits_rows(op);
  int8_t* weights = (int8_t*)scratch;
  int8_t* rest = weights + nest_bits_groups(op, most) * NEST_BITS_GROUP;
  for (int32_t first = 0; first < op->out_c; first += most) {
    const int32_t left = op->out_c - first;
    const int32_t rows = left < most ? left : most;
    const int32_t groups = nest_bits_groups(op, rows);
    nest_unpack_bits(high, low, groups, weights);
    nest_part_of_bits(op, level, first, rows, weights, part);
    run_dense(part, 0, input, output + first, rest);
    high += groups * (NEST_BITS_GROUP / 2);
    if (low != NULL) low += groups * (NEST_BITS_GROUP / 2);
  }
  nest_clamp(op, output,
             (size_t)op->out_h * (size_t)op->out_w * (size_t)op->out_c);
}
