#include "packed_case.h"

#include <string.h>

#include "nest/nest.h"

/* Where the next byte goes. */
typedef struct writer {
  uint8_t* blob;
  size_t at;
} writer;

static void put(writer* w, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) w->blob[w->at++] = (uint8_t)(value >> 8 * i);
}

static void align(writer* w) {
  while (w->at % 4 != 0) put(w, 0, 1);
}

/* Sections start at multiples of 4, their places are in the header. */
static void begin_section(writer* w, size_t field) {
  align(w);
  writer header = {w->blob, field};
  put(&header, (uint32_t)w->at, 4);
}

static uint32_t hash(uint32_t a, uint32_t b) {
  uint32_t x = a * 0x9e3779b1u ^ (b + 1) * 0x85ebca77u;
  x ^= x >> 15;
  x *= 0x2c1b3c6du;
  return x ^ x >> 12;
}

static int is_dense(const packed_case* c) { return c->encoding == NEST_DENSE; }

static int has_whole(const packed_case* c) {
  return c->encoding == NEST_LISTS || (c->flags & NEST_FLAG_DENSE_TOP) != 0;
}

/* The lowest level of a block; 2 for none. */
static int level_of(const packed_case* c, int group, int block) {
  if (is_dense(c)) return 0;
  const uint32_t draw = hash((uint32_t)group + 77, (uint32_t)block) % 8;
  return draw < 3 ? 0 : draw < 6 || has_whole(c) ? 1 : 2;
}

int case_columns(const packed_case* c) {
  const int taps = c->kernel * c->kernel;
  return c->op == NEST_DEPTHWISE_CONV_2D ? taps : taps * c->in_c;
}

int case_weight(const packed_case* c, int channel, int column, int level) {
  if (channel >= c->out_c) return 0;
  const int block = column / c->block_cols;
  if (level_of(c, channel / c->block_rows, block) > level) return 0;
  const int weight =
      (int)(hash((uint32_t)channel, (uint32_t)column) % 255) - 127;
  return weight != 0 ? weight : 1;
}

int32_t case_bias(int channel) {
  return (int32_t)(hash((uint32_t)channel, 5000) % 4000) - 2000;
}

/* Negative for every third channel. */
int32_t case_multiplier(int channel) {
  const int32_t multiplier = (1 << 23) + 65537 * channel;
  return channel % 3 == 2 ? -multiplier : multiplier;
}

static int groups_of(const packed_case* c) {
  return (c->out_c + c->block_rows - 1) / c->block_rows;
}

static int blocks_of(const packed_case* c) {
  return case_columns(c) / c->block_cols;
}

static int has_places(const packed_case* c) {
  return c->encoding == NEST_OFFSETS || c->encoding == NEST_VECTORS;
}

static int rings_of(const packed_case* c) {
  return is_dense(c) ? 0 : has_whole(c) ? 1 : 2;
}

/* The blocks of a ring in order; their number. */
static int ring_blocks(const packed_case* c, int group, int ring, int* blocks) {
  int count = 0;
  for (int block = 0; block < blocks_of(c); ++block) {
    if (level_of(c, group, block) == ring) blocks[count++] = block;
  }
  return count;
}

static void put_header(const packed_case* c, writer* w) {
  memset(w->blob, 0, NEST_HEADER_BYTES);
  const int index_bytes =
      c->encoding == NEST_BLOCKS || c->encoding == NEST_LISTS;
  const int8_t bytes[] = {NEST_FORMAT_VERSION,   (int8_t)c->op,
                          (int8_t)c->encoding,   2,
                          (int8_t)c->block_rows, (int8_t)c->block_cols,
                          (int8_t)index_bytes,   is_dense(c) ? 0 : 2,
                          (int8_t)c->flags,      1,
                          CASE_INPUT_ZERO_POINT, CASE_OUTPUT_ZERO_POINT,
                          CASE_ACT_MIN,          CASE_ACT_MAX};
  memcpy(w->blob, "NEST", 4);
  memcpy(w->blob + NEST_HEADER_VERSION_U8, bytes, sizeof(bytes));
  const int sizes[] = {c->in_h, c->in_w, c->in_c, c->out_h, c->out_w, c->out_c};
  w->at = NEST_HEADER_IN_H_U32;
  for (int i = 0; i < 6; ++i) put(w, (uint32_t)sizes[i], 4);
  const int window[] = {c->kernel, c->kernel, c->stride, c->stride,
                        1,         1,         c->pad,    c->pad};
  for (int i = 0; i < 8; ++i) put(w, (uint32_t)window[i], 2);
  w->at = NEST_HEADER_BYTES;
}

static void put_tables(const packed_case* c, writer* w) {
  begin_section(w, NEST_HEADER_TABLES_OFFSET_U32);
  for (int i = 0; i < c->out_c; ++i) put(w, (uint32_t)case_multiplier(i), 4);
  for (int i = 0; i < c->out_c; ++i) put(w, (uint32_t)case_bias(i), 4);
  for (int i = 0; i < c->out_c; ++i) put(w, (uint32_t)c->shift, 1);
}

static void put_counts(const packed_case* c, writer* w) {
  int blocks[512];
  begin_section(w, NEST_HEADER_COUNTS_OFFSET_U32);
  for (int group = 0; group < groups_of(c); ++group) {
    int sum = 0;
    for (int ring = 0; ring < rings_of(c); ++ring) {
      const int count = ring_blocks(c, group, ring, blocks);
      sum = has_places(c) ? sum + count : count;
      put(w, (uint32_t)sum, 2);
    }
  }
}

/* Blocks to advance, or folded biases. */
static void put_indices(const packed_case* c, writer* w) {
  int blocks[512];
  begin_section(w, NEST_HEADER_INDICES_OFFSET_U32);
  const int folded = (c->flags & NEST_FLAG_FOLDED) != 0;
  const int tables = c->encoding == NEST_VECTORS ? 2 : folded ? 1 : 0;
  for (int level = 0; level < tables; ++level) {
    for (int channel = 0; channel < c->out_c; ++channel) {
      int32_t sum = 0;
      for (int i = 0; i < case_columns(c); ++i) {
        sum += case_weight(c, channel, i, level);
      }
      put(w, (uint32_t)(case_bias(channel) - CASE_INPUT_ZERO_POINT * sum), 4);
    }
  }
  if (has_places(c)) return;
  for (int group = 0; group < groups_of(c); ++group) {
    for (int ring = 0; ring < rings_of(c); ++ring) {
      const int count = ring_blocks(c, group, ring, blocks);
      int last = 0;
      for (int i = 0; i < count; last = blocks[i++]) {
        put(w, (uint32_t)(blocks[i] - last), 1);
      }
    }
  }
}

/* Where a block's inputs are in the band. */
static int place_of(const packed_case* c, int block) {
  const int column = block * c->block_cols;
  const int channel = column % c->in_c;
  const int kx = column / c->in_c % c->kernel;
  const int ky = column / c->in_c / c->kernel;
  const int bytes = c->encoding == NEST_VECTORS ? 1 : 2;
  const int planes = c->encoding == NEST_OFFSETS || c->block_cols == 16;
  const int lanes = planes ? c->block_cols : c->in_c;
  const int phases = planes && c->kernel > 1 ? c->stride : 1;
  int width = ((c->out_w - 1) * c->stride + c->kernel - 1) / phases + 1;
  if (c->kernel == 1) {
    width = c->out_h * c->out_w == 1                    ? 1
            : c->encoding == NEST_OFFSETS && lanes == 1 ? 8
                                                        : 4;
  }
  const int plane = phases * width * lanes * bytes;
  const int row = c->in_c / lanes * plane;
  const int pixel = kx % phases * width + kx / phases;
  return ky * row + channel / lanes * plane +
         (pixel * lanes + channel % lanes) * bytes;
}

static void put_weights(const packed_case* c, int row, int block, writer* w) {
  for (int i = 0; i < c->block_cols; ++i) {
    const int column = block * c->block_cols + i;
    const int weight = block < 0 ? 0 : case_weight(c, row, column, 1);
    put(w, (uint32_t)weight, 1);
  }
}

/* A record of the encoding offsets: two entries; blocks of -1 are none. */
static void put_pair(const packed_case* c, int group, const int* blocks,
                     writer* w) {
  const int row = group * c->block_rows;
  if (c->block_cols == 1) {
    for (int i = 0; i < 2; ++i) {
      const int none = blocks[i] < 0;
      put(w, none ? 0 : (uint32_t)place_of(c, blocks[i]), 2);
      put(w, none ? 0 : (uint32_t)case_weight(c, row, blocks[i], 1), 2);
    }
    return;
  }
  for (int i = 0; i < 2; ++i) {
    put(w, blocks[i] < 0 ? 0 : (uint32_t)place_of(c, blocks[i]), 2);
  }
  const size_t begin = w->at;
  for (int i = 0; i < 2; ++i) {
    for (int r = 0; r < c->block_rows; ++r) {
      put_weights(c, row + r, blocks[i], w);
    }
  }
  if (c->block_cols == 2) {
    const uint8_t second = w->blob[begin + 1];
    w->blob[begin + 1] = w->blob[begin + 2];
    w->blob[begin + 2] = second;
  }
}

static void put_vector_record(const packed_case* c, int group,
                              const int* blocks, int entries, writer* w) {
  for (int i = 0; i < entries; ++i) {
    put(w, blocks[i] < 0 ? 0 : (uint32_t)place_of(c, blocks[i]), 2);
  }
  for (int r = 0; r < c->block_rows; ++r) {
    for (int i = 0; i < entries; ++i) {
      put_weights(c, group * c->block_rows + r, blocks[i], w);
    }
  }
}

static void put_records(const packed_case* c, int group, writer* w) {
  int blocks[512 + 8];
  int count = 0;
  for (int ring = 0; ring < rings_of(c); ++ring) {
    count += ring_blocks(c, group, ring, blocks + count);
  }
  const int narrow = c->block_cols == 4 ? 4 : 8;
  const int each = c->encoding == NEST_OFFSETS ? 2
                   : c->block_cols == 16       ? 2
                                               : narrow;
  for (int i = 0; i < each; ++i) blocks[count + i] = -1;
  for (int i = 0; i < count; i += each) {
    if (c->encoding == NEST_OFFSETS) {
      put_pair(c, group, blocks + i, w);
    } else {
      put_vector_record(c, group, blocks + i, each, w);
    }
  }
}

static void put_blocks(const packed_case* c, int group, writer* w) {
  int blocks[512];
  for (int ring = 0; ring < rings_of(c); ++ring) {
    const int count = ring_blocks(c, group, ring, blocks);
    for (int i = 0; i < count; ++i) {
      for (int r = 0; r < c->block_rows; ++r) {
        put_weights(c, group * c->block_rows + r, blocks[i], w);
      }
    }
  }
}

static void put_whole(const packed_case* c, writer* w) {
  const int depthwise = c->op == NEST_DEPTHWISE_CONV_2D;
  const int rows = depthwise ? case_columns(c) : groups_of(c) * c->block_rows;
  const int columns = depthwise ? c->out_c : case_columns(c);
  for (int row = 0; row < rows; ++row) {
    for (int i = 0; i < columns; ++i) {
      const int weight =
          depthwise ? case_weight(c, i, row, 1) : case_weight(c, row, i, 1);
      put(w, (uint32_t)weight, 1);
    }
  }
}

size_t case_pack(const packed_case* c, uint8_t* blob) {
  writer w = {blob, 0};
  put_header(c, &w);
  put_tables(c, &w);
  put_counts(c, &w);
  put_indices(c, &w);
  begin_section(&w, NEST_HEADER_VALUES_OFFSET_U32);
  for (int group = 0; group < groups_of(c); ++group) {
    if (has_places(c)) put_records(c, group, &w);
    if (c->encoding == NEST_BLOCKS) put_blocks(c, group, &w);
  }
  if (has_places(c) && has_whole(c)) align(&w);
  if (is_dense(c) || has_whole(c)) put_whole(c, &w);
  writer total = {blob, NEST_HEADER_TOTAL_BYTES_U32};
  put(&total, (uint32_t)w.at, 4);
  return w.at;
}
