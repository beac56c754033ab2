#include "../internal.h"
#include "nest/requantize.h"

/* Refer header file for details. */
void nest_store_channel(const nest_op* op, int32_t level, int32_t channel,
                        const int32_t* acc, int32_t pixels, int8_t* output) {
  const int32_t at = op->level_table[level] * op->out_c + channel;
  output += channel;
  for (int32_t t = 0; t < pixels; ++t, output += op->out_c) {
    *output = nest_output(acc[t], op->multiplier[at], op->shift[at],
                          op->output_zero_point, op->act_min, op->act_max);
  }
}
