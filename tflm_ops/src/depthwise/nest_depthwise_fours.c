#include "../widths/widths.h"
#include "depthwise.h"

/* Taps of one axis that see the input: from `first`, `count` of them. */
typedef struct span {
  int32_t first, count;
} span;

static span taps_inside(int32_t start, int32_t size, int32_t kernel,
                        int32_t dilation) {
  span s = {0, kernel};
  while (s.first < kernel && start + s.first * dilation < 0) ++s.first;
  while (s.count > s.first && start + (s.count - 1) * dilation >= size) {
    --s.count;
  }
  s.count -= s.first;
  return s;
}

static void set_columns(const nest_op* op, span across, nest_taps* taps) {
  taps->columns = across.count;
  /* Unsigned: may exceed the tensor where only one row of taps is inside. */
  const uint32_t pitch = (uint32_t)op->dilation_h * (uint32_t)op->in_w *
                         (uint32_t)nest_in_pitch(op);
  taps->input_skip =
      (int32_t)(pitch - (uint32_t)(across.count * taps->input_step));
  taps->weight_skip = (op->kernel_w - across.count) * nest_out_pitch(op);
}

/* Channels that are planned together: input, weights and output of the first.
 */
typedef struct part {
  const nest_row* plans;
  int32_t channels;
  const int8_t* input;
  const int8_t* weights;
  int8_t* output;
} part;

/* An output pixel whose window lies wholly between the input's pixels. */
NEST_RARE static void store_biases(const part* p, int8_t* output) {
  for (int32_t c = 0; c < p->channels; ++c) {
    output[c] = nest_requantize_doubled(p->plans[c].bias, &p->plans[c]);
  }
}

static void run_row(const nest_op* op, const part* p, int32_t oy,
                    nest_taps* taps) {
  const int32_t y = oy * op->stride_h - op->pad_top;
  const span down = taps_inside(y, op->in_h, op->kernel_h, op->dilation_h);
  /* Of a window wholly between the input's rows the place may be anywhere. */
  const int32_t first = down.count > 0 ? y + down.first * op->dilation_h : 0;
  const int8_t* row = p->input + first * op->in_w * nest_in_pitch(op);
  int8_t* output = p->output + oy * op->out_w * nest_out_pitch(op);
  const int32_t fours = p->channels / 4 * 4;
  taps->rows = down.count;
  for (int32_t ox = 0; ox < op->out_w; ++ox, output += nest_out_pitch(op)) {
    const int32_t x = ox * op->stride_w - op->pad_left;
    const span across = taps_inside(x, op->in_w, op->kernel_w, op->dilation_w);
    if (down.count <= 0 || across.count <= 0) {
      store_biases(p, output);
      continue;
    }
    set_columns(op, across, taps);
    taps->inputs =
        row + (x + across.first * op->dilation_w) * nest_in_pitch(op);
    taps->weights = p->weights + (down.first * op->kernel_w + across.first) *
                                     nest_out_pitch(op);
    nest_depthwise_pixel(taps, p->plans, output, output + fours);
    if (fours == p->channels) continue;
    /* The last four channels: some of them again. */
    const int32_t last = p->channels - 4;
    taps->inputs += last;
    taps->weights += last;
    nest_depthwise_pixel(taps, p->plans + last, output + last,
                         output + p->channels);
  }
}

/* Channels of the next part of those left, so that no part has less than four.
 */
static int32_t part_of(int32_t left) {
  if (left <= NEST_MAX_PLANS) return left;
  return left < NEST_MAX_PLANS + 4 ? NEST_MAX_PLANS - 4 : NEST_MAX_PLANS;
}

/* Refer header file for details. */
void nest_depthwise_fours(const nest_op* op, int32_t level, const int8_t* input,
                          int8_t* output, void* scratch) {
  nest_row* plans = (nest_row*)scratch;
  nest_taps taps = {0};
  taps.input_step = op->dilation_w * nest_in_pitch(op);
  taps.weight_step = nest_out_pitch(op);
  taps.minus_zero = (uint32_t)(-op->input_zero_point & 0xffff) * 0x00010001u;
  int32_t channels;
  for (int32_t first = 0; first < op->out_c; first += channels) {
    channels = part_of(op->out_c - first);
    const part p = {plans, channels, input + first, op->dense + first,
                    output + first};
    nest_plan_active(op, level, first, channels, plans);
    for (int32_t oy = 0; oy < op->out_h; ++oy) run_row(op, &p, oy, &taps);
  }
  nest_clamp(
      op, output,
      (size_t)op->out_h * (size_t)op->out_w * (size_t)nest_out_pitch(op));
}
