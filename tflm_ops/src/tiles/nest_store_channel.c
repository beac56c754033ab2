#include "../internal.h"
#include "nest/requantize.h"

/* Refer header file for details. */
void nest_store_channel(const nest_op* op, int32_t level, int32_t channel,
                        const int32_t* acc, int32_t pixels, int8_t* output) {
  const int32_t at = op->level_table[level] * op->out_c + channel;
  /* Read once: stores of bytes may change what a pointer points to. */
  const int32_t multiplier = op->multiplier[at], shift = op->shift[at];
  const int32_t zero_point = op->output_zero_point;
  const int32_t act_min = op->act_min, act_max = op->act_max;
  const int32_t pitch = nest_out_pitch(op);
  const int32_t* const end = acc + pixels;
  for (output += channel; acc != end; output += pitch) {
    *output =
        nest_output(*acc++, multiplier, shift, zero_point, act_min, act_max);
  }
}
