/* Mutates packed ops so that they stay close to valid ones.
 *
 * Magic, version, offsets, sizes and folded biases are repaired most of the
 * time, so that mutations reach the weights. */
#include "mutator.h"

#include <string.h>

#include "../src/bits/bits.h"
#include "../src/vectors/stream.h"
#include "../src/widths/widths.h"
#include "check.h"

/* Folding the biases of larger ops is valid, and too slow. */
#define MAX_WEIGHTS (1 << 16)

static uint32_t get(const uint8_t* from, int width) {
  uint32_t value = 0;
  for (int i = width - 1; i >= 0; --i) value = value << 8 | from[i];
  return value;
}

static void put_u32(uint8_t* to, uint64_t value) {
  for (int i = 0; i < 4; ++i) to[i] = (uint8_t)(value >> (8 * i));
}

/* Ends a section at `end`: zeroes up to a multiple of 4, records the next. */
static uint64_t close_section(uint8_t* data, uint64_t end, size_t max_size,
                              size_t offset_field) {
  for (; end % 4 != 0; ++end) {
    if (end < max_size) data[end] = 0;
  }
  if (offset_field != 0) put_u32(data + offset_field, end);
  return end;
}

/* Makes the layout agree with the fields and counts; returns the size, or 0
 * where it would exceed max_size. */
static size_t repair(uint8_t* data, size_t max_size) {
  memcpy(data, "NEST", 4);
  data[NEST_HEADER_VERSION_U8] = NEST_FORMAT_VERSION;
  memset(data + NEST_HEADER_RESERVED1, 0, 12);
  const uint64_t rows = data[NEST_HEADER_BLOCK_ROWS_U8];
  const uint64_t out_c = get(data + NEST_HEADER_OUT_C_U32, 4);
  const uint64_t levels = data[NEST_HEADER_LEVELS_U8];
  if (rows == 0 || out_c > max_size || levels == 0) return 0;
  const uint64_t groups = (out_c + rows - 1) / rows;
  const int depthwise = data[NEST_HEADER_OP_U8] == NEST_DEPTHWISE_CONV_2D;
  uint64_t columns = (uint64_t)get(data + NEST_HEADER_KERNEL_H_U16, 2) *
                     get(data + NEST_HEADER_KERNEL_W_U16, 2);
  if (!depthwise) columns *= get(data + NEST_HEADER_IN_C_U32, 4);

  uint64_t at = NEST_HEADER_BYTES;
  put_u32(data + NEST_HEADER_TABLES_OFFSET_U32, at);
  at += 9 * data[NEST_HEADER_TABLES_U8] * out_c;
  at = close_section(data, at, max_size, NEST_HEADER_COUNTS_OFFSET_U32);

  /* What the helpers of the records read. */
  nest_op op;
  memset(&op, 0, sizeof(op));
  op.encoding = (nest_encoding)(data[NEST_HEADER_ENCODING_U8] & 7);
  op.block_rows = (int32_t)rows;
  op.block_cols = data[NEST_HEADER_BLOCK_COLS_U8];
  op.levels = (int32_t)levels;
  const int flags = data[NEST_HEADER_FLAGS_U8];
  const int places = nest_has_places(&op);
  op.dense_top = places && (flags & NEST_FLAG_DENSE_TOP) != 0;
  const int widths =
      op.encoding == NEST_DENSE && (flags & NEST_FLAG_WIDTHS) != 0;
  const int bits = op.encoding == NEST_DENSE && (flags & NEST_FLAG_BITS) != 0;
  const uint8_t fours = data[NEST_HEADER_FOUR_BIT_LEVELS_U8];
  if (!bits) data[NEST_HEADER_FOUR_BIT_LEVELS_U8] = 0;
  if (!widths) {
    data[NEST_HEADER_SEGMENTS_U8] = 0;
    put_u32(data + NEST_HEADER_SETS_U32, 0);
  }
  if (places) {
    data[NEST_HEADER_COUNT_BYTES_U8] = 2;
    data[NEST_HEADER_INDEX_BYTES_U8] = 0;
  }
  const int width = data[NEST_HEADER_COUNT_BYTES_U8];
  const int balanced = flags & NEST_FLAG_BALANCED;
  const uint64_t rings = (uint64_t)nest_rings(&op);
  const uint64_t segments = data[NEST_HEADER_SEGMENTS_U8];
  const uint64_t counts = widths     ? levels + segments * (levels + 1)
                          : balanced ? rings
                                     : rings * groups;
  if (width > 4 || at + counts * (uint64_t)width > max_size) return 0;
  uint64_t entries = 0, stream = 0;
  for (uint64_t i = 0; i < counts; ++i, at += (uint64_t)width) {
    const uint32_t count = get(data + at, width);
    if (widths) {
      continue;
    } else if (!places) {
      entries += count;
    } else if (i % rings == rings - 1) {
      /* Counts of places are sums: the last of a group counts. */
      stream += nest_stream_bytes(&op, count);
    }
  }
  if (balanced && !widths) entries *= groups, stream *= groups;
  if (entries > max_size) return 0;
  at = close_section(data, at, max_size, NEST_HEADER_INDICES_OFFSET_U32);
  at += entries * data[NEST_HEADER_INDEX_BYTES_U8];
  if (op.encoding == NEST_VECTORS) {
    at += 4 * levels * out_c;
  } else if (flags & NEST_FLAG_FOLDED) {
    const int by_level = widths || bits;
    at += 4 * (by_level ? levels : data[NEST_HEADER_TABLES_U8]) * out_c;
  }
  at = close_section(data, at, max_size, NEST_HEADER_VALUES_OFFSET_U32);
  at += op.encoding == NEST_BLOCKS ? entries * nest_block_size(&op) : stream;
  if (op.dense_top) at = close_section(data, at, max_size, 0);
  if (bits) {
    at += (fours < levels ? 2 : 1) * ((out_c * columns + 7) / 8 * 4);
  } else if (op.encoding == NEST_DENSE || op.encoding == NEST_LISTS ||
             op.dense_top) {
    at += groups * rows * columns;
  }
  if (at > max_size) return 0;
  put_u32(data + NEST_HEADER_TOTAL_BYTES_U32, at);
  return (size_t)at;
}

/* The sum of a channel's weights in the first `entries` of its row group. */
static uint32_t sum_entries(const nest_op* op, const uint8_t* stream,
                            size_t entries, size_t row) {
  uint32_t sum = 0;
  for (size_t i = 0; i < entries; ++i) {
    const size_t each = nest_record_entries(op);
    const uint8_t* record = stream + i / each * nest_record_bytes(op);
    for (size_t col = 0; col < (size_t)op->block_cols; ++col) {
      const size_t at = nest_value_at(op, i % each, row, col);
      sum += (uint32_t)(int8_t)record[at];
    }
  }
  return sum;
}

/* A channel's weights as a level of bits has them. */
static uint32_t sum_bits(const nest_op* op, int32_t channel, int32_t level) {
  const uint8_t* high = nest_high_plane(op);
  const uint8_t* low = high + nest_plane_bytes(op);
  size_t weight = (size_t)channel * (size_t)op->columns;
  uint32_t sum = 0;
  for (int32_t i = 0; i < op->columns; ++i, ++weight) {
    sum += 16 * (uint32_t)((nest_plane_at(high, weight) ^ 8) - 8);
    if (nest_is_four_bits(op, level)) continue;
    sum += (uint32_t)(nest_plane_at(low, weight) - 8);
  }
  return sum;
}

static uint32_t sum_dense(const nest_op* op, int32_t channel, int32_t level) {
  const int depthwise = op->kind == NEST_DEPTHWISE_CONV_2D;
  const int is_flat = op->kernel_h == 1 && op->kernel_w == 1 && !depthwise;
  const int32_t columns =
      op->widths && is_flat ? nest_active_end(op, level) : op->columns;
  uint32_t sum = 0;
  for (int32_t i = 0; i < columns; ++i) {
    sum += (uint32_t)op->dense[depthwise ? i * op->out_c + channel
                                         : channel * op->columns + i];
  }
  return sum;
}

/* Writes the folded biases of an op whose sections are found. */
static void fold(const nest_op* op, uint8_t* folded, int32_t tables) {
  const int dense = op->encoding == NEST_DENSE || nest_has_bits(op);
  const uint8_t* stream = (const uint8_t*)op->values;
  for (int32_t c = 0; c < op->out_c; ++c) {
    const int32_t group = c / op->block_rows;
    const int32_t row = c % op->block_rows;
    const uint32_t total =
        dense ? 0 : nest_count(op, group, nest_rings(op) - 1);
    const int by_table = dense && !op->widths && !nest_has_bits(op);
    for (int32_t l = 0; l < (by_table ? tables : op->levels); ++l) {
      const int32_t table = by_table ? l : op->level_table[l];
      const int has_bias = !op->widths || op->kind != NEST_DEPTHWISE_CONV_2D ||
                           c < nest_active_outputs(op, l);
      uint32_t sum;
      if (nest_has_bits(op)) {
        sum = sum_bits(op, c, l);
      } else if (dense || nest_runs_dense(op, l)) {
        sum = sum_dense(op, c, l);
      } else {
        const uint32_t count = nest_count(op, group, l);
        sum =
            sum_entries(op, stream, count < total ? count : total, (size_t)row);
      }
      put_u32(folded + 4 * (size_t)(l * op->out_c + c),
              (uint32_t)(has_bias ? op->bias[table * op->out_c + c] : 0) -
                  (uint32_t)op->input_zero_point * sum);
    }
    if (!dense && row == op->block_rows - 1) {
      stream += nest_stream_bytes(op, total);
    }
  }
}

static void repair_folded(uint8_t* data, size_t size) {
  nest_op op;
  REQUIRE((uintptr_t)data % 4 == 0);
  if (nest_read_header(data, size, &op) == NEST_OK &&
      nest_check_geometry(&op) == NEST_OK &&
      nest_check_sections(data, size, &op) == NEST_OK &&
      (!op.widths || nest_check_widths(&op) == NEST_OK) && op.folded != NULL &&
      (int64_t)op.out_c * op.columns * op.levels <= MAX_WEIGHTS) {
    fold(&op, data + (op.indices - data), data[NEST_HEADER_TABLES_U8]);
  }
}

size_t nest_fuzz_mutate(uint8_t* data, size_t size, size_t max_size,
                        unsigned int seed) {
  const uint32_t random = seed * 2654435761u >> 8;
  if (size < NEST_HEADER_BYTES || random % 8 == 0) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  switch (random % 3) {
    case 0: /* one header field, to a small value or any */
      data[4 + random / 3 % 112] =
          (uint8_t)(random & 0x10000 ? random >> 17 & 7 : random >> 12);
      break;
    case 1: /* anything behind the header */
      if (size > NEST_HEADER_BYTES) {
        LLVMFuzzerMutate(data + NEST_HEADER_BYTES, size - NEST_HEADER_BYTES,
                         size - NEST_HEADER_BYTES);
      }
      break;
    default: /* one byte behind the header, by a little */
      if (size > NEST_HEADER_BYTES) {
        const size_t at =
            NEST_HEADER_BYTES + random / 3 % (size - NEST_HEADER_BYTES);
        data[at] = (uint8_t)(data[at] + (random >> 20) % 5 - 2);
      }
      break;
  }
  if (size < max_size) memset(data + size, 0, max_size - size);
  const size_t repaired = repair(data, max_size);
  if (repaired > 0 && random % 16 != 1) repair_folded(data, repaired);
  return repaired > 0 ? repaired : size;
}
