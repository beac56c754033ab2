#include "vectors.h"

/* Refer header file for details. */
void nest_sum_vectors(const nest_op* op, const uint8_t* stream,
                      uint32_t entries, int32_t row_in_group,
                      const uint8_t* inputs, int32_t step_bytes, int32_t pixels,
                      int32_t* acc) {
  const size_t each = nest_record_entries(op);
  const size_t cols = (size_t)op->block_cols;
  const size_t first = nest_value_at(op, 0, (size_t)row_in_group, 0);
  for (; entries > 0; stream += nest_record_bytes(op)) {
    const int8_t* weights = (const int8_t*)stream + first;
    for (size_t slot = 0; slot < each && entries > 0; ++slot, --entries) {
      const int8_t* from =
          (const int8_t*)inputs + nest_load(stream + 2 * slot, 2);
      for (int32_t t = 0; t < pixels; ++t, from += step_bytes) {
        int32_t sum = 0;
        for (size_t c = 0; c < cols; ++c) sum += weights[c] * from[c];
        /* Unsigned: folded biases make sums wrap around. */
        acc[t] = (int32_t)((uint32_t)acc[t] + (uint32_t)sum);
      }
      weights += cols;
    }
  }
}
