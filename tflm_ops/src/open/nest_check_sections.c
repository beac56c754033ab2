#include "../bits/bits.h"
#include "../vectors/stream.h"

/* The blob and the place of the section that is being found. */
typedef struct reader {
  const uint8_t* blob;
  size_t bytes;
  size_t at; /* at most bytes */
} reader;

/* Moves on by `count` elements of `each` bytes. */
NEST_COLD static int skip(reader* r, size_t count, size_t each) {
  if (each > 0 && count > (r->bytes - r->at) / each) return 0;
  r->at += count * each;
  return 1;
}

/* Moves on to the next multiple of 4, over bytes that are zero. */
static int align(reader* r) {
  for (; r->at % 4 != 0 && r->at < r->bytes; ++r->at) {
    if (r->blob[r->at] != 0) return 0;
  }
  return 1;
}

/* Whether a section begins here, as the header says. */
static const uint8_t* begin_section(reader* r, size_t field) {
  if (!align(r) || nest_load(r->blob + field, 4) != r->at) return NULL;
  return r->blob + r->at;
}

/* Entries that the indices are of; more than bytes where they are too many. */
static size_t entries_of(const nest_op* op, size_t counts, size_t bytes) {
  size_t entries = 0;
  if (nest_has_places(op)) return 0;
  for (size_t i = 0; i < counts; ++i) {
    const size_t at = i * (size_t)op->count_bytes;
    const size_t count = nest_load(op->counts + at, op->count_bytes);
    if (count > bytes - entries) return bytes + 1;
    entries += count;
  }
  const size_t groups = op->balanced ? (size_t)op->row_groups : 1;
  return entries > bytes / groups ? bytes + 1 : entries * groups;
}

/* Records of all row groups; entries of the encoding blocks. */
static int skip_values(const nest_op* op, size_t entries, reader* r) {
  if (!nest_has_places(op)) return skip(r, entries, nest_block_size(op));
  for (int32_t group = 0; group < op->row_groups; ++group) {
    const uint32_t count = nest_count(op, group, nest_rings(op) - 1);
    if (!skip(r, nest_stream_bytes(op, count), 1)) return 0;
  }
  return 1;
}

/* Finds op->values and op->dense: whether they end where the blob does. */
static int find_values(size_t entries, reader* r, nest_op* op) {
  op->values = (const int8_t*)begin_section(r, NEST_HEADER_VALUES_OFFSET_U32);
  op->dense = NULL;
  if (op->values == NULL) return 0;
  if (op->encoding == NEST_BLOCKS || nest_has_places(op)) {
    if (!skip_values(op, entries, r)) return 0;
    if (!op->dense_top) return r->at == r->bytes;
    if (!align(r)) return 0;
  }
  if (nest_has_bits(op)) { /* of 4 bits at all levels: one plane */
    const size_t planes = nest_four_bit_levels(op) < op->levels ? 2 : 1;
    return skip(r, planes, nest_plane_bytes(op)) && r->at == r->bytes;
  }
  op->dense = (const int8_t*)r->blob + r->at;
  const size_t rows = (size_t)(op->row_groups * op->block_rows);
  return skip(r, rows, (size_t)op->columns) && r->at == r->bytes;
}

/* The numbers of the counts section of an op with widths. */
static size_t widths_of(const nest_op* op) {
  const size_t levels = (size_t)op->levels;
  return levels + (size_t)op->segments * (levels + 1);
}

nest_status nest_check_sections(const uint8_t* blob, size_t bytes,
                                nest_op* op) {
  op->columns = op->kernel_h * op->kernel_w;
  if (op->kind != NEST_DEPTHWISE_CONV_2D) op->columns *= op->in_c;
  if (NEST_WIDTHS || NEST_BITS) op->out_pitch = op->out_c;
  if (NEST_WIDTHS) {
    op->in_pitch = op->in_c;
    op->row_pitch = op->columns;
  }
  op->row_groups = (op->out_c + op->block_rows - 1) / op->block_rows;
  reader r = {blob, bytes, NEST_HEADER_BYTES};

  const size_t tables = blob[NEST_HEADER_TABLES_U8];
  const size_t channels = tables * (size_t)op->out_c;
  const void* from = begin_section(&r, NEST_HEADER_TABLES_OFFSET_U32);
  if (from == NULL || !skip(&r, channels, 9)) return NEST_ERROR_SECTIONS;
  op->multiplier = (const int32_t*)from;
  op->bias = op->multiplier + channels;
  op->shift = (const int8_t*)(op->bias + channels);

  /* At most 2^29 counts. */
  const size_t rings = nest_has_bits(op)
                           ? 0
                           : (size_t)nest_rings(op) *
                                 (size_t)(op->balanced ? 1 : op->row_groups);
  const size_t counts = nest_has_widths(op) ? widths_of(op) : rings;
  op->counts = begin_section(&r, NEST_HEADER_COUNTS_OFFSET_U32);
  if (op->counts == NULL || !skip(&r, counts, (size_t)op->count_bytes)) {
    return NEST_ERROR_SECTIONS;
  }
  /* An entry takes a byte. */
  const size_t entries = entries_of(op, rings, bytes);
  if (entries > bytes) return NEST_ERROR_SECTIONS;

  op->indices = begin_section(&r, NEST_HEADER_INDICES_OFFSET_U32);
  const int folded = blob[NEST_HEADER_FLAGS_U8] & NEST_FLAG_FOLDED;
  const int by_level = op->encoding == NEST_VECTORS ||
                       ((nest_has_widths(op) || nest_has_bits(op)) && folded);
  const size_t rows = by_level ? (size_t)op->levels : folded ? tables : 0;
  op->folded = rows > 0 ? (const int32_t*)(const void*)op->indices : NULL;
  if (op->indices == NULL ||
      !skip(&r, rows * (size_t)op->out_c, sizeof(int32_t)) ||
      !skip(&r, entries, (size_t)op->index_bytes)) {
    return NEST_ERROR_SECTIONS;
  }
  return find_values(entries, &r, op) ? NEST_OK : NEST_ERROR_SECTIONS;
}
