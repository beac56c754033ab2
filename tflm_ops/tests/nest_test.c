/* The C contract, without Python: a blob written by hand, field by field. */
#include "nest/nest.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "nest/requantize.h"

/* A fully connected op of 2 levels: 4 inputs, 2 outputs, blocks of 1x2.
 * Level 0: row 0 has {1, 2} at block 1; y = acc / 2 + 5. Level 1 adds an escape
 * and {9, 9} at block 0 to row 0, {-3, 4} at block 1 to row 1; y = -acc / 2 +
 * 5, biases 10 and 20. Input zero point 1. */
static const union {
  uint8_t bytes[180];
  uint32_t align;
} blob = {{
    'N', 'E', 'S',  'T',  1,   3, 1,    2, /* version, op, encoding, levels */
    1,   2,   1,    1,    0,   2, /* block, index, count, flags, tables */
    1,   5,   0x80, 0x7f,         /* zero points, activation bounds */
    0,   0,   180,  0,    0,   0, /* reserved, total bytes */
    1,   0,   0,    0,    1,   0, 0,    0,    4, 0, 0, 0, /* in_h, in_w, in_c */
    1,   0,   0,    0,    1,   0, 0,    0,    2, 0, 0, 0, /* out_h, out_w, out_c
                                                           */
    1,   0,   1,    0,    1,   0, 1,    0,    1, 0, 1, 0, /* kernel, stride,
                                                             dilation */
    0,   0,   0,    0,                                    /* padding */
    128, 0,   0,    0,    164, 0, 0,    0, /* offsets: tables, counts, */
    168, 0,   0,    0,    172, 0, 0,    0, /* indices, values */
    0,   1,   0,    0,    0,   0, 0,    0,    0, 0, 0, 0, 0,
    0,   0,   0, /* level table */
    0,   0,   0,    0,    0,   0, 0,    0,    0, 0, 0, 0, 0,
    0,   0,   0, /* level table */
    0,   0,   0,    0,    0,   0, 0,    0,    0, 0, 0, 0, 0,
    0,   0,   0,                              /* reserved */
    0,   0,   0,    0x40, 0,   0, 0,    0x40, /* multiplier 0: 1/2, 1/2 */
    0,   0,   0,    0xc0, 0,   0, 0,    0xc0, /* multiplier 1: -1/2, -1/2 */
    0,   0,   0,    0,    0,   0, 0,    0,    /* bias 0 */
    10,  0,   0,    0,    20,  0, 0,    0,    /* bias 1 */
    0,   0,   0,    0,                        /* shift 0, shift 1 */
    1,   2,   0,    1,                        /* counts: rows x rings */
    1,   0,   0,    1,                        /* indices */
    1,   2,   0,    0,    9,   9, 0xfd, 4,    /* values */
}};

static void open_and_run(void) {
  nest_op op;
  CHECK(nest_open(blob.bytes, sizeof(blob.bytes), &op) == NEST_OK);
  CHECK(op.kind == NEST_FULLY_CONNECTED && op.levels == 2 && op.columns == 4);

  int16_t scratch[4];
  CHECK(nest_fully_connected_get_buffer_size(&op) == sizeof(scratch));
  const int8_t input[4] = {3, 2, 11, 21}; /* less the zero point: 2 1 10 20 */
  int8_t output[2] = {77, 77};
  CHECK(nest_fully_connected(&op, -1, input, output, scratch) ==
        NEST_ERROR_LEVEL);
  CHECK(nest_fully_connected(&op, 2, input, output, scratch) ==
        NEST_ERROR_LEVEL);
  CHECK(nest_conv_2d(&op, 0, input, output, scratch) == NEST_ERROR_KIND);
  CHECK(nest_depthwise_conv_2d(&op, 0, input, output, scratch) ==
        NEST_ERROR_KIND);
  CHECK(output[0] == 77 && output[1] == 77);

  CHECK(nest_fully_connected(&op, 0, input, output, scratch) == NEST_OK);
  CHECK(output[0] == 30); /* (10 + 2 * 20) / 2 + 5 */
  CHECK(output[1] == 5);
  CHECK(nest_fully_connected(&op, 1, input, output, scratch) == NEST_OK);
  /* -(50 + 9 * 3 + 10) / 2 = -43.5: up to -43 by the doubling multiply */
  CHECK(output[0] == -38);
  CHECK(output[1] == -30); /* -(-30 + 80 + 20) / 2 + 5 */
}

static void refuse_other_bytes(void) {
  nest_op op;
  uint32_t words[46];
  uint8_t* bytes = (uint8_t*)words;
  memcpy(bytes, blob.bytes, 180);
  for (size_t size = 0; size < 180; ++size) {
    CHECK(nest_open(bytes, size, &op) == NEST_ERROR_TRUNCATED);
  }
  memmove(bytes + 2, bytes, 180);
  CHECK(nest_open(bytes + 2, 180, &op) == NEST_ERROR_ALIGNMENT);
  memmove(bytes, bytes + 2, 180);

  static const struct {
    size_t at;
    uint8_t value;
    nest_status status;
  } changes[] = {
      {0, 'X', NEST_ERROR_MAGIC},
      {NEST_HEADER_VERSION_U8, 2, NEST_ERROR_VERSION},
      {NEST_HEADER_OP_U8, 4, NEST_ERROR_HEADER},
      {NEST_HEADER_LEVELS_U8, 33, NEST_ERROR_HEADER},
      {NEST_HEADER_RESERVED1 + 3, 1, NEST_ERROR_HEADER},
      {NEST_HEADER_LEVEL_TABLE_U8 + 1, 2, NEST_ERROR_HEADER},
      {NEST_HEADER_IN_H_U32, 0, NEST_ERROR_GEOMETRY},
      {NEST_HEADER_OUT_W_U32, 2, NEST_ERROR_GEOMETRY},
      {NEST_HEADER_INDICES_OFFSET_U32, 164, NEST_ERROR_SECTIONS},
      {164, 2, NEST_ERROR_SECTIONS},       /* one more entry than bytes */
      {168, 2, NEST_ERROR_INDEX},          /* the row has blocks 0 and 1 */
      {128, 0x80, NEST_OK},                /* another multiplier */
      {147, 0x3f, NEST_ERROR_ACCUMULATOR}, /* bias 0x3f000000, then + */
      {160, 31, NEST_ERROR_HEADER},        /* shift */
  };
  for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); ++i) {
    const uint8_t before = bytes[changes[i].at];
    bytes[changes[i].at] = changes[i].value;
    if (changes[i].status == NEST_ERROR_ACCUMULATOR) bytes[160] = 1;
    const nest_status status = nest_open(bytes, 180, &op);
    if (status != changes[i].status) {
      fprintf(stderr, "change %u: %s\n", (unsigned)i, nest_status_text(status));
    }
    CHECK(status == changes[i].status);
    bytes[changes[i].at] = before;
    bytes[160] = 0;
  }
}

/* The first row of the op above in the encoding vectors with a dense top. */
static const union {
  uint8_t bytes[196];
  uint32_t align;
} vectors = {{
    'N',  'E',  'S',  'T',  1,    3,    4,    2, /* version, op, encoding,
                                                    levels */
    1,    2,    0,    2,    3,    2, /* block, index, count, flags, tables */
    1,    5,    0x80, 0x7f,          /* zero points, activation bounds */
    0,    0,    196,  0,    0,    0, /* reserved, total bytes */
    1,    0,    0,    0,    1,    0,    0,    0,    4, 0, 0, 0, /* in_h, in_w,
                                                                   in_c */
    1,    0,    0,    0,    1,    0,    0,    0,    1, 0, 0, 0, /* out_h, out_w,
                                                                   out_c */
    1,    0,    1,    0,    1,    0,    1,    0,    1, 0, 1, 0, /* kernel,
                                                                   stride,
                                                                   dilation */
    0,    0,    0,    0,                                        /* padding */
    128,  0,    0,    0,    148,  0,    0,    0, /* offsets: tables, counts, */
    152,  0,    0,    0,    160,  0,    0,    0, /* indices, values */
    0,    1,    0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0,
    0,    0,    0, /* level table */
    0,    0,    0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0,
    0,    0,    0, /* level table */
    0,    0,    0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0,
    0,    0,    0,                                  /* reserved */
    0,    0,    0,    0x40, 0,    0,    0,    0xc0, /* multipliers: 1/2, -1/2 */
    0,    0,    0,    0,    10,   0,    0,    0,    /* biases */
    0,    0,    0,    0,                            /* shifts */
    1,    0,    0,    0,                            /* count of ring 0 */
    0xfd, 0xff, 0xff, 0xff, 0xf5, 0xff, 0xff, 0xff, /* 0 - 3, 10 - 21 */
    2,    0,    0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0,
    0,    0,    0, /* offsets */
    1,    2,    0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0,
    0,    0,    0,       /* values */
    9,    9,    1,    2, /* the dense level */
}};

static void run_vectors(void) {
  nest_op op;
  CHECK(nest_open(vectors.bytes, sizeof(vectors.bytes), &op) == NEST_OK);
  CHECK(op.encoding == NEST_VECTORS && op.dense_top && op.balanced);
  CHECK(op.folded[0] == -3 && op.folded[1] == -11 && op.dense[1] == 9);

  /* One patch as int16 for the dense level; the sparse one takes 4 bytes. */
  int16_t scratch[4];
  CHECK(nest_fully_connected_get_buffer_size(&op) <= sizeof(scratch));
  const int8_t input[4] = {3, 2, 11, 21};
  int8_t output[2] = {77, 77};
  CHECK(nest_fully_connected(&op, 0, input, output, scratch) == NEST_OK);
  CHECK(output[0] == 30);
  CHECK(nest_fully_connected(&op, 1, input, output, scratch) == NEST_OK);
  CHECK(output[0] == -38);
  CHECK(output[1] == 77);
}

static void refuse_other_vectors(void) {
  nest_op op;
  uint32_t words[49];
  uint8_t* bytes = (uint8_t*)words;
  memcpy(bytes, vectors.bytes, 196);
  static const struct {
    size_t at;
    uint8_t value;
    nest_status status;
  } changes[] = {
      {NEST_HEADER_ENCODING_U8, 5, NEST_ERROR_HEADER},
      {NEST_HEADER_FLAGS_U8, 7, NEST_ERROR_HEADER},
      {NEST_HEADER_FLAGS_U8, 1, NEST_ERROR_SECTIONS}, /* no dense top */
      {NEST_HEADER_INDEX_BYTES_U8, 1, NEST_ERROR_HEADER},
      {NEST_HEADER_INPUT_ZERO_POINT_I8, 2, NEST_ERROR_SECTIONS},
      {148, 9, NEST_ERROR_SECTIONS},    /* entries of another record */
      {152, 0xfc, NEST_ERROR_SECTIONS}, /* a folded bias */
      {156, 0xf4, NEST_ERROR_SECTIONS}, /* that of the dense level */
      {160, 4, NEST_ERROR_INDEX},       /* past the last input */
      {160, 1, NEST_ERROR_INDEX},       /* half a block on */
      {160, 0, NEST_ERROR_SECTIONS},    /* the dense level has others there */
      {162, 2, NEST_ERROR_SECTIONS},    /* an offset of no entry */
      {176, 2, NEST_ERROR_SECTIONS},    /* the dense level has 1 */
      {178, 1, NEST_ERROR_SECTIONS},    /* a value of no entry */
      {195, 3, NEST_ERROR_SECTIONS},    /* the sparser level has 2 */
  };
  for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); ++i) {
    const uint8_t before = bytes[changes[i].at];
    bytes[changes[i].at] = changes[i].value;
    const nest_status status = nest_open(bytes, 196, &op);
    if (status != changes[i].status) {
      fprintf(stderr, "vectors, change %u: %s\n", (unsigned)i,
              nest_status_text(status));
    }
    CHECK(status == changes[i].status);
    bytes[changes[i].at] = before;
  }
  CHECK(nest_open(bytes, 196, &op) == NEST_OK);
}

/* Each status has its own words, whatever is asked for. */
static void texts_of_status(void) {
  static const struct {
    int status;
    const char* text;
  } known[] = {
      {NEST_OK, "ok"},
      {NEST_ERROR_TRUNCATED, "packed bytes missing or left over"},
      {NEST_ERROR_ALIGNMENT, "packed op not aligned to 4"},
      {NEST_ERROR_MAGIC, "not a packed nested op"},
      {NEST_ERROR_VERSION, "packed op of another version"},
      {NEST_ERROR_HEADER, "packed field out of range"},
      {NEST_ERROR_GEOMETRY, "packed shapes do not fit"},
      {NEST_ERROR_SECTIONS, "packed sections do not add up"},
      {NEST_ERROR_INDEX, "index past the end of its row"},
      {NEST_ERROR_ACCUMULATOR, "accumulator could overflow"},
      {NEST_ERROR_LEVEL, "no such level"},
      {NEST_ERROR_KIND, "packed op of another kind"},
      {NEST_ERROR_WIDTHS, "levels of width: build with NEST_WIDTHS=1"},
      {NEST_ERROR_BITS, "levels of bits: build with NEST_BITS=1"},
      {NEST_ERROR_BITS + 1, "unknown"},
      {1000, "unknown"},
      {-1, "unknown"},
  };
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
    const char* text = nest_status_text((nest_status)known[i].status);
    CHECK(strcmp(text, known[i].text) == 0);
  }
}

/* TFLite's two functions, as gemmlowp words them. */
static int32_t tflite_requantize(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0;
  const int32_t right = shift > 0 ? 0 : -shift;
  const int64_t product = (int64_t)x * (1 << left) * multiplier;
  const int64_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
  const int32_t high = (int32_t)((product + nudge) / ((int64_t)1 << 31));
  const int32_t mask = (int32_t)(((int64_t)1 << right) - 1);
  const int32_t threshold = (mask >> 1) + (high < 0 ? 1 : 0);
  return (high >> right) + ((high & mask) > threshold ? 1 : 0);
}

static void requantize_as_tflite(void) {
  uint32_t random = 1;
  for (int32_t i = 0; i < 2000000; ++i) {
    random = random * 1664525u + 1013904223u;
    const int32_t multiplier = (int32_t)(random >> 1) * (random & 1 ? 1 : -1);
    random = random * 1664525u + 1013904223u;
    const int32_t shift = (int32_t)((random >> 8) % 62) - 31;
    const int32_t bits = 30 - (shift > 0 ? shift : 0);
    const int32_t limit = (int32_t)(((int64_t)1 << bits) - 1);
    random = random * 1664525u + 1013904223u;
    /* Small sums as often as large ones: ties need them. */
    const int32_t scale = (int32_t)(random >> 27);
    random = random * 1664525u + 1013904223u;
    int32_t x = (int32_t)(random >> 1) >> (scale % 31);
    if (x > limit) x = limit;
    if (random & 1) x = -x;
    CHECK(nest_requantize(x, multiplier, shift) ==
          tflite_requantize(x, multiplier, shift));
    const int32_t half = i & 1 ? 1 << 30 : -(1 << 30);
    CHECK(nest_requantize(x, half, shift) == tflite_requantize(x, half, shift));
  }
}

void run_kernels(void);   /* nest_kernels_test.c */
void read_metadata(void); /* nest_metadata_test.c */
void pick_levels(void);   /* nest_governor_test.c */

int main(void) {
  open_and_run();
  refuse_other_bytes();
  run_vectors();
  refuse_other_vectors();
  requantize_as_tflite();
  texts_of_status();
  run_kernels();
  read_metadata();
  pick_levels();
  puts("nest_test: ok");
  return 0;
}
