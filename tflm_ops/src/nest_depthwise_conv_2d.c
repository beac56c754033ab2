#include <string.h>

#include "depthwise.h"
#include "mve_depthwise.h"
#include "nest/requantize.h"

/* Refer header file for details. */
size_t nest_depthwise_conv_2d_get_buffer_size(const nest_op* op) {
  if (NEST_MVE_DEPTHWISE && nest_is_mve_depthwise(op)) {
    return nest_mve_depthwise_buffer_size(op);
  }
  return (size_t)op->out_c *
         (nest_is_depthwise_fours(op) ? sizeof(nest_row) : sizeof(int32_t));
}

/* acc[out_c] += one tap of the kernel: weights[out_c] times input[in_c]. */
static void accumulate_tap(const nest_op* op, const int8_t* input,
                           const int8_t* weights, int32_t* acc) {
  const int32_t zero_point = op->input_zero_point;
  const int32_t multiple = op->out_c / op->in_c;
  if (multiple == 1) {
    for (int32_t c = 0; c < op->out_c; ++c) {
      acc[c] += weights[c] * (input[c] - zero_point);
    }
    return;
  }
  for (int32_t c = 0; c < op->in_c; ++c) {
    const int32_t x = input[c] - zero_point;
    for (int32_t m = 0; m < multiple; ++m) *acc++ += *weights++ * x;
  }
}

static void accumulate_pixel(const nest_op* op, const int8_t* input, int32_t oy,
                             int32_t ox, int32_t* acc) {
  const int8_t* weights = op->values;
  for (int32_t ky = 0; ky < op->kernel_h; ++ky) {
    const int32_t y = oy * op->stride_h - op->pad_top + ky * op->dilation_h;
    for (int32_t kx = 0; kx < op->kernel_w; ++kx, weights += op->out_c) {
      const int32_t x = ox * op->stride_w - op->pad_left + kx * op->dilation_w;
      if (y < 0 || y >= op->in_h || x < 0 || x >= op->in_w) continue;
      accumulate_tap(op, input + (y * op->in_w + x) * op->in_c, weights, acc);
    }
  }
}

/* Refer header file for details. */
nest_status nest_depthwise_conv_2d(const nest_op* op, int32_t level,
                                   const int8_t* input, int8_t* output,
                                   void* scratch) {
  if (op->kind != NEST_DEPTHWISE_CONV_2D) return NEST_ERROR_KIND;
  if (level < 0 || level >= op->levels) return NEST_ERROR_LEVEL;
  if (NEST_MVE_DEPTHWISE && nest_is_mve_depthwise(op)) {
    nest_run_mve_depthwise(op, level, input, output, scratch);
    return NEST_OK;
  }
  if (nest_is_depthwise_fours(op)) {
    nest_depthwise_fours(op, level, input, output, scratch);
    return NEST_OK;
  }
  int32_t* acc = (int32_t*)scratch;
  const int32_t table = op->level_table[level] * op->out_c;
  for (int32_t oy = 0; oy < op->out_h; ++oy) {
    for (int32_t ox = 0; ox < op->out_w; ++ox) {
      memset(acc, 0, (size_t)op->out_c * sizeof(int32_t));
      accumulate_pixel(op, input, oy, ox, acc);
      for (int32_t c = 0; c < op->out_c; ++c) {
        *output++ =
            nest_output(acc[c] + op->bias[table + c], op->multiplier[table + c],
                        op->shift[table + c], op->output_zero_point,
                        op->act_min, op->act_max);
      }
    }
  }
  return NEST_OK;
}
