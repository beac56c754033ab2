#include <string.h>

#include "depthwise.h"
#include "nest/requantize.h"

static int32_t at_most(int32_t value, int32_t limit) {
  return value < limit ? value : limit;
}

/* Output channels from `first` on: their sums, and how many inputs share. */
typedef struct part {
  int32_t first, channels;
  int32_t multiple;
  int32_t* acc;
} part;

/* acc += one tap of the kernel: weights of the part times input[in_c]. */
static void accumulate_tap(const nest_op* op, const part* p,
                           const int8_t* input, const int8_t* weights) {
  const int32_t zero_point = op->input_zero_point;
  int32_t* const acc = p->acc;
#if !defined(__ARM_FEATURE_DSP) /* there, other kernels take what is common */
  if (p->multiple == 1) {
    input += p->first;
    for (int32_t c = 0; c < p->channels; ++c) {
      acc[c] += weights[c] * (input[c] - zero_point);
    }
    return;
  }
#endif
  input += p->first / p->multiple;
  int32_t end = p->multiple - p->first % p->multiple;
  for (int32_t c = 0; c < p->channels; end += p->multiple) {
    const int32_t x = *input++ - zero_point;
    do {
      acc[c] += weights[c] * x;
    } while (++c < end && c < p->channels);
  }
}

static void accumulate_pixel(const nest_op* op, const part* p,
                             const int8_t* input, int32_t oy, int32_t ox) {
  const int8_t* weights = op->dense + p->first;
  for (int32_t ky = 0; ky < op->kernel_h; ++ky) {
    const int32_t y = oy * op->stride_h - op->pad_top + ky * op->dilation_h;
    for (int32_t kx = 0; kx < op->kernel_w;
         ++kx, weights += nest_out_pitch(op)) {
      const int32_t x = ox * op->stride_w - op->pad_left + kx * op->dilation_w;
      if (y < 0 || y >= op->in_h || x < 0 || x >= op->in_w) continue;
      accumulate_tap(op, p, input + (y * op->in_w + x) * nest_in_pitch(op),
                     weights);
    }
  }
}

/* output[out_c]: the part's channels of one pixel. */
static void store_part(const nest_op* op, const part* p, int32_t level,
                       int8_t* output) {
  const int32_t table = op->level_table[level] * op->out_c + p->first;
  for (int32_t c = 0; c < p->channels; ++c) {
    p->acc[c] += op->bias[table + c];
#if defined(__ARM_FEATURE_DSP)
    /* Small: other kernels take what is common. */
    nest_store_channel(op, level, p->first + c, p->acc + c, 1, output);
#else
    output[p->first + c] =
        nest_output(p->acc[c], op->multiplier[table + c], op->shift[table + c],
                    op->output_zero_point, op->act_min, op->act_max);
#endif
  }
}

static void run_part(const nest_op* op, const part* p, int32_t level,
                     const int8_t* input, int8_t* output) {
  for (int32_t oy = 0; oy < op->out_h; ++oy) {
    for (int32_t ox = 0; ox < op->out_w; ++ox, output += nest_out_pitch(op)) {
      memset(p->acc, 0, (size_t)p->channels * sizeof(int32_t));
      accumulate_pixel(op, p, input, oy, ox);
      store_part(op, p, level, output);
    }
  }
}

/* Refer header file for details. */
void nest_depthwise_portable(const nest_op* op, int32_t level,
                             const int8_t* input, int8_t* output,
                             int32_t* acc) {
  part p = {0, 0, op->out_c / op->in_c, acc};
  for (; p.first < op->out_c; p.first += p.channels) {
    p.channels = at_most(op->out_c - p.first, NEST_MAX_SUMS);
    run_part(op, &p, level, input, output);
  }
}
