#include "../vectors/stream.h"

/* A section found: moves on to the next, over alignment bytes that are zero. */
static int next_section(const uint8_t* blob, size_t bytes, uint64_t* at,
                        uint64_t size) {
  uint64_t end = *at + size;
  if (end > bytes) return 0;
  for (; end % 4 != 0 && end < bytes; ++end) {
    if (blob[end] != 0) return 0;
  }
  *at = end;
  return 1;
}

/* Entries that the indices are of. */
static uint64_t entries_of(const nest_op* op, uint64_t count_entries) {
  uint64_t entries = 0;
  if (nest_has_places(op)) return 0;
  for (uint64_t i = 0; i < count_entries; ++i) {
    entries +=
        nest_load(op->counts + i * (uint64_t)op->count_bytes, op->count_bytes);
  }
  return op->balanced ? entries * (uint64_t)op->row_groups : entries;
}

/* Bytes of the records of all row groups. */
static uint64_t record_bytes(const nest_op* op) {
  uint64_t bytes = 0;
  for (int32_t group = 0; group < op->row_groups; ++group) {
    bytes += nest_stream_bytes(op, nest_count(op, group, nest_rings(op) - 1));
  }
  return bytes;
}

/* Bytes of the weights of the densest level, if they are stored whole. */
static uint64_t dense_bytes(const nest_op* op) {
  const int32_t rows = op->row_groups * op->block_rows;
  return (uint64_t)rows * (uint64_t)op->columns;
}

/* The values from `at` on: whether they end where the blob does. */
static int find_values(const uint8_t* blob, size_t bytes, uint64_t at,
                       uint64_t entries, nest_op* op) {
  op->values = (const int8_t*)blob + at;
  op->dense = NULL;
  if (op->encoding == NEST_BLOCKS) {
    return at + entries * nest_block_size(op) == bytes;
  }
  if (nest_has_places(op)) {
    const uint64_t size = record_bytes(op);
    if (!op->dense_top) return at + size == bytes;
    if (!next_section(blob, bytes, &at, size)) return 0;
  }
  op->dense = (const int8_t*)blob + at;
  return at + dense_bytes(op) == bytes;
}

/* Bytes of the indices section. */
static uint64_t index_bytes(const uint8_t* blob, const nest_op* op,
                            uint64_t entries) {
  const uint64_t folded = 4 * (uint64_t)op->out_c;
  if (op->encoding == NEST_VECTORS) return folded * (uint64_t)op->levels;
  if (blob[NEST_HEADER_FLAGS_U8] & NEST_FLAG_FOLDED) {
    return folded * blob[NEST_HEADER_TABLES_U8];
  }
  return entries * (uint64_t)op->index_bytes;
}

nest_status nest_check_sections(const uint8_t* blob, size_t bytes,
                                nest_op* op) {
  op->columns = op->kernel_h * op->kernel_w;
  if (op->kind != NEST_DEPTHWISE_CONV_2D) op->columns *= op->in_c;
  op->row_groups = (op->out_c + op->block_rows - 1) / op->block_rows;

  uint64_t at = NEST_HEADER_BYTES;
  if (nest_load(blob + NEST_HEADER_TABLES_OFFSET_U32, 4) != at) {
    return NEST_ERROR_SECTIONS;
  }
  const uint64_t channels =
      (uint64_t)blob[NEST_HEADER_TABLES_U8] * (uint64_t)op->out_c;
  const void* tables = blob + at;
  if (!next_section(blob, bytes, &at, 9 * channels)) return NEST_ERROR_SECTIONS;
  op->multiplier = (const int32_t*)tables;
  op->bias = op->multiplier + channels;
  op->shift = (const int8_t*)(op->bias + channels);

  if (nest_load(blob + NEST_HEADER_COUNTS_OFFSET_U32, 4) != at) {
    return NEST_ERROR_SECTIONS;
  }
  op->counts = blob + at;
  const uint64_t count_entries =
      (uint64_t)nest_rings(op) * (uint64_t)(op->balanced ? 1 : op->row_groups);
  if (!next_section(blob, bytes, &at,
                    count_entries * (uint64_t)op->count_bytes)) {
    return NEST_ERROR_SECTIONS;
  }
  /* At most 2^29 counts below 2^32: no overflow; an entry takes a byte. */
  const uint64_t entries = entries_of(op, count_entries);
  if (entries > bytes) return NEST_ERROR_SECTIONS;

  if (nest_load(blob + NEST_HEADER_INDICES_OFFSET_U32, 4) != at) {
    return NEST_ERROR_SECTIONS;
  }
  const uint8_t* indices = blob + at;
  if (!next_section(blob, bytes, &at, index_bytes(blob, op, entries))) {
    return NEST_ERROR_SECTIONS;
  }
  const int folded = op->encoding == NEST_VECTORS ||
                     (blob[NEST_HEADER_FLAGS_U8] & NEST_FLAG_FOLDED) != 0;
  op->indices = indices;
  op->folded = folded ? (const int32_t*)(const void*)indices : NULL;

  if (nest_load(blob + NEST_HEADER_VALUES_OFFSET_U32, 4) != at ||
      !find_values(blob, bytes, at, entries, op)) {
    return NEST_ERROR_SECTIONS;
  }
  return NEST_OK;
}
