/* Every encoding on shapes that each core's own kernels take, against a plain
 * loop over the formula in nest/nest.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nest/nest.h"
#include "nest/requantize.h"
#include "packed_case.h"

#define FC NEST_FULLY_CONNECTED
#define CONV NEST_CONV_2D
#define DW NEST_DEPTHWISE_CONV_2D
#define TOP NEST_FLAG_DENSE_TOP
#define FOLDED NEST_FLAG_FOLDED
#define IMAGE(in_c, out_c) 5, 6, in_c, 5, 6, out_c, 3, 1, 1
#define STRIDED(in_c, out_c) 7, 9, in_c, 4, 5, out_c, 3, 2, 1
#define PIXELS(in_c, out_c) 3, 5, in_c, 3, 5, out_c, 1, 1, 0
#define PIXELS_OF_TWO_ROWS(channels) 2, 3, channels, 2, 3, channels, 1, 1, 0
#define VECTOR(in_c, out_c) 1, 1, in_c, 1, 1, out_c, 1, 1, 0

/* Shifts are added by the loop below. */
static const packed_case cases[] = {
    {CONV, NEST_DENSE, 0, 1, 1, IMAGE(8, 6), 0},
    {CONV, NEST_DENSE, FOLDED, 1, 1, IMAGE(8, 6), 0},
    {CONV, NEST_DENSE, 0, 1, 1, IMAGE(3, 7), 0},
    {CONV, NEST_DENSE, FOLDED, 1, 1, STRIDED(3, 7), 0},
    {CONV, NEST_DENSE, 0, 1, 1, PIXELS(12, 9), 0},
    {CONV, NEST_DENSE, FOLDED, 1, 1, PIXELS(12, 9), 0},
    {CONV, NEST_BLOCKS, 0, 1, 1, IMAGE(5, 6), 0},
    {CONV, NEST_BLOCKS, 0, 1, 2, STRIDED(6, 6), 0},
    {CONV, NEST_BLOCKS, 0, 1, 4, IMAGE(8, 6), 0},
    {CONV, NEST_BLOCKS, 0, 1, 16, IMAGE(16, 4), 0},
    {CONV, NEST_BLOCKS, 0, 4, 4, PIXELS(8, 7), 0},
    {CONV, NEST_BLOCKS, 0, 2, 3, IMAGE(6, 5), 0},
    {CONV, NEST_LISTS, 0, 1, 1, IMAGE(5, 6), 0},
    {CONV, NEST_LISTS, 0, 1, 2, PIXELS(6, 6), 0},
    {CONV, NEST_LISTS, 0, 1, 4, STRIDED(8, 6), 0},
    {CONV, NEST_LISTS, 0, 4, 16, IMAGE(16, 4), 0},
    {CONV, NEST_OFFSETS, 0, 1, 1, IMAGE(5, 4), 0},
    {CONV, NEST_OFFSETS, 0, 1, 1, PIXELS(8, 6), 0},
    {CONV, NEST_OFFSETS, 0, 1, 2, STRIDED(6, 6), 0},
    {CONV, NEST_OFFSETS, 0, 1, 4, IMAGE(8, 6), 0},
    {CONV, NEST_OFFSETS, 0, 1, 4, STRIDED(8, 6), 0},
    {CONV, NEST_OFFSETS, TOP, 1, 4, IMAGE(8, 6), 0},
    /* More channels than are planned at a time. */
    {CONV, NEST_OFFSETS, 0, 1, 4, 1, 5, 4, 1, 5, 131, 1, 1, 0, 0},
    {CONV, NEST_VECTORS, 0, 1, 1, IMAGE(5, 4), 0},
    {CONV, NEST_VECTORS, 0, 1, 2, STRIDED(6, 6), 0},
    {CONV, NEST_VECTORS, 0, 1, 4, IMAGE(8, 6), 0},
    {CONV, NEST_VECTORS, TOP, 1, 4, PIXELS(8, 6), 0},
    {CONV, NEST_VECTORS, 0, 1, 16, STRIDED(16, 4), 0},
    {FC, NEST_DENSE, 0, 1, 1, VECTOR(24, 10), 0},
    {FC, NEST_DENSE, FOLDED, 1, 1, VECTOR(23, 10), 0},
    {FC, NEST_BLOCKS, 0, 1, 4, VECTOR(32, 10), 0},
    {FC, NEST_BLOCKS, 0, 4, 16, VECTOR(64, 10), 0},
    {FC, NEST_LISTS, 0, 1, 2, VECTOR(32, 10), 0},
    {FC, NEST_OFFSETS, 0, 1, 2, VECTOR(32, 10), 0},
    {FC, NEST_OFFSETS, 0, 1, 4, VECTOR(32, 10), 0},
    {FC, NEST_OFFSETS, TOP, 4, 4, VECTOR(32, 12), 0},
    {FC, NEST_OFFSETS, 0, 1, 4, 1, 7, 16, 1, 7, 10, 1, 1, 0, 0},
    {FC, NEST_VECTORS, 0, 1, 4, VECTOR(32, 10), 0},
    {FC, NEST_VECTORS, 0, 4, 4, VECTOR(32, 8), 0},
    {FC, NEST_VECTORS, 0, 1, 16, VECTOR(48, 10), 0},
    {FC, NEST_VECTORS, TOP, 4, 16, VECTOR(32, 8), 0},
    {DW, NEST_DENSE, 0, 1, 1, IMAGE(8, 8), 0},
    {DW, NEST_DENSE, FOLDED, 1, 1, STRIDED(16, 16), 0},
    {DW, NEST_DENSE, 0, 1, 1, STRIDED(5, 5), 0},
    {DW, NEST_DENSE, FOLDED, 1, 1, IMAGE(3, 6), 0},
    {DW, NEST_DENSE, 0, 1, 1, IMAGE(1, 8), 0},
    /* One channel, and three, more than are planned at a time. */
    {DW, NEST_DENSE, 0, 1, 1, PIXELS_OF_TWO_ROWS(129), 0},
    {DW, NEST_DENSE, 0, 1, 1, PIXELS_OF_TWO_ROWS(131), 0},
};

/* Small: the least of the emulated boards has 15 KiB, and no SIMD, which asks
 * for more scratch memory. */
#if defined(__ARM_ARCH_6M__)
#define SCRATCH_BYTES 2560
#else
#define SCRATCH_BYTES 8192
#endif
static union {
  uint8_t bytes[3328];
  uint32_t align;
} blob;
static union {
  uint8_t bytes[SCRATCH_BYTES];
  void* align;
} scratch;
static int8_t input[1056], output[1056];

static int32_t input_at(const packed_case* c, int y, int x, int channel) {
  if (y < 0 || y >= c->in_h || x < 0 || x >= c->in_w) return 0;
  return input[(y * c->in_w + x) * c->in_c + channel] - CASE_INPUT_ZERO_POINT;
}

static int8_t expected_at(const packed_case* c, int level, int oy, int ox,
                          int channel) {
  const int depthwise = c->op == DW;
  int32_t acc = case_bias(channel);
  for (int i = 0; i < case_columns(c); ++i) {
    const int tap = depthwise ? i : i / c->in_c;
    const int from = depthwise ? channel / (c->out_c / c->in_c) : i % c->in_c;
    const int y = oy * c->stride - c->pad + tap / c->kernel;
    const int x = ox * c->stride - c->pad + tap % c->kernel;
    acc += case_weight(c, channel, i, level) * input_at(c, y, x, from);
  }
  return nest_output(acc, case_multiplier(channel), c->shift,
                     CASE_OUTPUT_ZERO_POINT, CASE_ACT_MIN, CASE_ACT_MAX);
}

static void fail(int index, const packed_case* c, const char* what) {
  fprintf(stderr, "case %d, shift %d: %s\n", index, c->shift, what);
  exit(1);
}

static void check_outputs(int index, const packed_case* c, int level) {
  const int8_t* got = output;
  int different = 0;
  for (int oy = 0; oy < c->out_h; ++oy) {
    for (int ox = 0; ox < c->out_w; ++ox) {
      for (int channel = 0; channel < c->out_c; ++channel, ++got) {
        if (*got != expected_at(c, level, oy, ox, channel)) {
          fail(index, c, "another output than the formula's");
        }
        different += *got != output[0];
      }
    }
  }
  if (different == 0) fail(index, c, "all outputs are the same");
}

typedef nest_status (*kernel)(const nest_op* op, int32_t level,
                              const int8_t* from, int8_t* to, void* memory);

static size_t scratch_bytes(const nest_op* op, kernel* run) {
  if (op->kind == CONV) {
    *run = nest_conv_2d;
    return nest_conv_2d_get_buffer_size(op);
  }
  if (op->kind == DW) {
    *run = nest_depthwise_conv_2d;
    return nest_depthwise_conv_2d_get_buffer_size(op);
  }
  *run = nest_fully_connected;
  return nest_fully_connected_get_buffer_size(op);
}

static void run_case(int index, const packed_case* c) {
  const size_t bytes = case_pack(c, blob.bytes);
  nest_op op;
  const nest_status status = nest_open(blob.bytes, bytes, &op);
  if (status != NEST_OK) fail(index, c, nest_status_text(status));
  const int inputs = c->in_h * c->in_w * c->in_c;
  const int outputs = c->out_h * c->out_w * c->out_c;
  kernel run;
  const size_t asked = scratch_bytes(&op, &run);
  if (bytes > sizeof(blob) || asked >= sizeof(scratch) ||
      (size_t)inputs > sizeof(input) || (size_t)outputs >= sizeof(output)) {
    fail(index, c, "too large for this test");
  }
  for (int i = 0; i < inputs; ++i) input[i] = (int8_t)(i * 89 + i / 7 * 31);
  for (int level = 0; level < 2; ++level) {
    memset(output, 0x5a, sizeof(output));
    memset(scratch.bytes, 0x5a, sizeof(scratch));
    if (run(&op, level, input, output, scratch.bytes) != NEST_OK) {
      fail(index, c, "the kernel refuses it");
    }
    if (output[outputs] != 0x5a || scratch.bytes[asked] != 0x5a) {
      fail(index, c, "a byte behind the output or the scratch memory");
    }
    check_outputs(index, c, level);
  }
}

/* Shifts of the short requantization, and one that needs the general one. */
void run_kernels(void);
void run_kernels(void) {
  static const int shifts[] = {-1, -3, 0};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
    for (size_t s = 0; s < sizeof(shifts) / sizeof(shifts[0]); ++s) {
      packed_case c = cases[i];
      c.shift = shifts[s];
      run_case((int)i, &c);
    }
  }
}
