#include "direct.h"

/* Refer header file for details. */
void nest_clamp(const nest_op* op, int8_t* output, size_t bytes) {
  if (op->act_min == -128 && op->act_max == 127) return;
  const int8_t low = (int8_t)op->act_min, high = (int8_t)op->act_max;
  for (size_t i = 0; i < bytes; ++i) {
    const int8_t value = output[i] < low ? low : output[i];
    output[i] = value > high ? high : value;
  }
}
