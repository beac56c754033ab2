#include <string.h>

#include "../bits/bits.h"
#include "../direct.h"

static int32_t u8(const uint8_t* blob, size_t at) { return blob[at]; }

static int32_t i8(const uint8_t* blob, size_t at) {
  return (blob[at] ^ 128) - 128;
}

/* Copies `count` dimensions of `width` bytes to the op's members from `to` on;
 * one beyond the limit reads as 0, which no check lets pass. */
static void put(nest_op* op, size_t to, const uint8_t* blob, size_t from,
                size_t count, size_t width) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t value = nest_load(blob + from + i * width, (int32_t)width);
    const int32_t dim = value <= NEST_MAX_DIM ? (int32_t)value : 0;
    memcpy((uint8_t*)op + to + i * sizeof(dim), &dim, sizeof(dim));
  }
}

static int all_zero(const uint8_t* from, int32_t bytes) {
  for (int32_t i = 0; i < bytes; ++i) {
    if (from[i] != 0) return 0;
  }
  return 1;
}

static int in_range(int32_t value, int32_t low, int32_t high) {
  return low <= value && value <= high;
}

static void read_fields(const uint8_t* blob, nest_op* op) {
  op->kind = (nest_op_kind)u8(blob, NEST_HEADER_OP_U8);
  op->encoding = (nest_encoding)u8(blob, NEST_HEADER_ENCODING_U8);
  op->levels = u8(blob, NEST_HEADER_LEVELS_U8);
  op->block_rows = u8(blob, NEST_HEADER_BLOCK_ROWS_U8);
  op->block_cols = u8(blob, NEST_HEADER_BLOCK_COLS_U8);
  op->index_bytes = u8(blob, NEST_HEADER_INDEX_BYTES_U8);
  op->count_bytes = u8(blob, NEST_HEADER_COUNT_BYTES_U8);
  const int32_t flags = u8(blob, NEST_HEADER_FLAGS_U8);
  op->balanced = (flags & NEST_FLAG_BALANCED) != 0;
  op->dense_top = (flags & NEST_FLAG_DENSE_TOP) != 0;
  op->input_zero_point = i8(blob, NEST_HEADER_INPUT_ZERO_POINT_I8);
  op->output_zero_point = i8(blob, NEST_HEADER_OUTPUT_ZERO_POINT_I8);
  op->act_min = i8(blob, NEST_HEADER_ACT_MIN_I8);
  op->act_max = i8(blob, NEST_HEADER_ACT_MAX_I8);
  /* In both orders the same, one after the other. */
  put(op, offsetof(nest_op, in_h), blob, NEST_HEADER_IN_H_U32, 6, 4);
  put(op, offsetof(nest_op, kernel_h), blob, NEST_HEADER_KERNEL_H_U16, 8, 2);
  if (NEST_WIDTHS) {
    op->widths = (flags & NEST_FLAG_WIDTHS) != 0;
    op->narrowed = 0;
    op->segments = u8(blob, NEST_HEADER_SEGMENTS_U8);
    put(op, offsetof(nest_op, sets), blob, NEST_HEADER_SETS_U32, 1, 4);
  }
  if (NEST_BITS && op->encoding == NEST_DENSE && (flags & NEST_FLAG_BITS)) {
    op->encoding = NEST_PLANES;
    op->segments = u8(blob, NEST_HEADER_FOUR_BIT_LEVELS_U8);
  }
  op->level_table = blob + NEST_HEADER_LEVEL_TABLE_U8;
}

/* The blocks that the kernels of offsets and vectors have loops for. */
static int places_shape_is_valid(const nest_op* op) {
  const int vectors = op->encoding == NEST_VECTORS;
  const int wide = op->block_cols == 4 || (vectors && op->block_cols == 16);
  if (op->block_rows == 4) {
    return wide && op->out_c % 4 == 0 && nest_is_vector(op);
  }
  if (op->block_rows != 1) return 0;
  if (op->block_cols == 1) return vectors || !nest_is_vector(op);
  return wide || op->block_cols == 2;
}

/* Bits are for weights that are a matrix, of which all levels have all. */
static int bits_are_valid(const nest_op* op, int32_t flags) {
  return op->kind != NEST_DEPTHWISE_CONV_2D &&
         in_range(nest_four_bit_levels(op), 1, op->levels) &&
         (flags & ~(NEST_FLAG_FOLDED | NEST_FLAG_BITS)) == 0;
}

static int flags_are_valid(const nest_op* op, int32_t flags) {
  if (nest_has_bits(op)) return bits_are_valid(op, flags);
  if (op->encoding == NEST_DENSE) {
    return (flags & ~(NEST_FLAG_FOLDED | NEST_FLAG_WIDTHS)) == 0;
  }
  if (!nest_has_places(op)) return (flags & ~NEST_FLAG_BALANCED) == 0;
  return (flags & ~(NEST_FLAG_BALANCED | NEST_FLAG_DENSE_TOP)) == 0 &&
         (op->levels > 1 || !op->dense_top);
}

static int encoding_is_valid(const uint8_t* blob, const nest_op* op) {
  if (!in_range(u8(blob, NEST_HEADER_ENCODING_U8), NEST_DENSE, NEST_VECTORS) ||
      !flags_are_valid(op, u8(blob, NEST_HEADER_FLAGS_U8))) {
    return 0;
  }
  if (op->encoding == NEST_DENSE || nest_has_bits(op)) {
    return op->index_bytes == 0 && op->count_bytes == 2 * nest_has_widths(op) &&
           op->block_rows == 1 && op->block_cols == 1;
  }
  const int places = nest_has_places(op);
  return op->kind != NEST_DEPTHWISE_CONV_2D &&
         in_range(op->index_bytes, places ? 0 : 1, places ? 0 : 2) &&
         (!places || places_shape_is_valid(op)) &&
         (in_range(op->count_bytes, places ? 2 : 1, 2) ||
          (op->count_bytes == 4 && !places)) &&
         in_range(op->block_rows, 1, NEST_MAX_BLOCK_ROWS) &&
         in_range(op->block_cols, 1, NEST_MAX_BLOCK_COLS) &&
         op->in_c % op->block_cols == 0;
}

static int levels_are_valid(const uint8_t* blob, const nest_op* op) {
  const int32_t tables = u8(blob, NEST_HEADER_TABLES_U8);
  if (!in_range(op->levels, 1, NEST_MAX_LEVELS)) return 0;
  if (!in_range(tables, 1, op->levels)) return 0;
  for (int32_t level = 0; level < op->levels; ++level) {
    if (op->level_table[level] >= tables) return 0;
  }
  return all_zero(op->level_table + op->levels, NEST_MAX_LEVELS - op->levels);
}

nest_status nest_read_header(const uint8_t* blob, size_t bytes, nest_op* op) {
  if (bytes < NEST_HEADER_BYTES) return NEST_ERROR_TRUNCATED;
  if ((uintptr_t)blob % 4 != 0) return NEST_ERROR_ALIGNMENT;
  if (memcmp(blob + NEST_HEADER_MAGIC, "NEST", 4) != 0) return NEST_ERROR_MAGIC;
  if (u8(blob, NEST_HEADER_VERSION_U8) != NEST_FORMAT_VERSION) {
    return NEST_ERROR_VERSION;
  }
  if (!NEST_WIDTHS && (u8(blob, NEST_HEADER_FLAGS_U8) & NEST_FLAG_WIDTHS)) {
    return NEST_ERROR_WIDTHS;
  }
  if (!NEST_BITS && (u8(blob, NEST_HEADER_FLAGS_U8) & NEST_FLAG_BITS)) {
    return NEST_ERROR_BITS;
  }
  if (nest_load(blob + NEST_HEADER_TOTAL_BYTES_U32, 4) != bytes) {
    return NEST_ERROR_TRUNCATED;
  }
  read_fields(blob, op);
  const int32_t kind = u8(blob, NEST_HEADER_OP_U8);
  const int32_t widths =
      nest_has_widths(op); /* the reserved bytes follow theirs */
  if (!in_range(kind, NEST_CONV_2D, NEST_FULLY_CONNECTED) ||
      !levels_are_valid(blob, op) || !encoding_is_valid(blob, op) ||
      op->act_min > op->act_max ||
      !all_zero(blob + NEST_HEADER_SEGMENTS_U8 + widths,
                2 - widths - nest_has_bits(op)) ||
      !all_zero(blob + NEST_HEADER_SETS_U32 + 4 * widths, 16 - 4 * widths)) {
    return NEST_ERROR_HEADER;
  }
  return NEST_OK;
}
