#include "../bits/bits.h"
#include "../vectors/stream.h"
#include "../widths/widths.h"

/* The sums of a channel's positive weights and of its negative ones. */
typedef struct reach {
  uint64_t up, down;
} reach;

static void add_weight(int32_t weight, reach* sum) {
  if (weight > 0) {
    sum->up += (uint32_t)weight;
  } else {
    sum->down += (uint32_t)-weight;
  }
}

/* Table entries that requantization is defined for, a sum in its range for all
 * int8 inputs, and the folded bias of the weights. */
static nest_status check_level(const nest_op* op, int32_t level,
                               int32_t channel, const reach* sum,
                               uint32_t weights, int has_bias) {
  const int32_t at = op->level_table[level] * op->out_c + channel;
  const int32_t shift = op->shift[at];
  const int64_t bias = op->bias[at];
  if (op->multiplier[at] == INT32_MIN || shift < -31 || shift > 30) {
    return NEST_ERROR_HEADER;
  }
  /* How far inputs are above and below their zero point: neither is negative.
   * Below 2^32 weights: no overflow. */
  const uint32_t above = (uint32_t)(127 - op->input_zero_point);
  const uint32_t below = (uint32_t)(128 + op->input_zero_point);
  const int64_t highest = (int64_t)(sum->up * above + sum->down * below);
  const int64_t lowest = -(int64_t)(sum->up * below + sum->down * above);
  const int64_t limit = (int64_t)1 << (30 - (shift > 0 ? shift : 0));
  if (highest + bias >= limit || lowest + bias <= -limit) {
    return NEST_ERROR_ACCUMULATOR;
  }
  if (op->folded == NULL) return NEST_OK;
  const uint32_t folded = (uint32_t)(has_bias ? bias : 0) -
                          (uint32_t)op->input_zero_point * weights;
  return (uint32_t)nest_folded_row(op, level)[channel] == folded
             ? NEST_OK
             : NEST_ERROR_SECTIONS;
}

/* A channel that has the same weights at the levels `from` to `to`. A row that
 * fills up the last row group has none. */
static nest_status check_channel(const nest_op* op, int32_t from, int32_t to,
                                 int32_t channel, const reach* sum) {
  if (channel >= op->out_c) {
    return (sum->up | sum->down) == 0 ? NEST_OK : NEST_ERROR_SECTIONS;
  }
  const uint32_t total = (uint32_t)sum->up - (uint32_t)sum->down;
  nest_status status = NEST_OK;
  for (int32_t level = from; level <= to && status == NEST_OK; ++level) {
    status = check_level(op, level, channel, sum, total, 1);
  }
  return status;
}

/* The sum of the first weights of a channel. */
static uint32_t add_first(const int8_t* weights, int32_t count) {
  int64_t sum = 0;
  while (count > 0) sum += weights[--count];
  return (uint32_t)sum;
}

/* A channel of an op with widths: its sum may take in all inputs. */
static nest_status check_widths_of(const nest_op* op, int32_t channel,
                                   const reach* sum) {
  const int depthwise = op->kind == NEST_DEPTHWISE_CONV_2D;
  const int is_flat = op->kernel_h == 1 && op->kernel_w == 1 && !depthwise;
  uint32_t weights = (uint32_t)sum->up - (uint32_t)sum->down;
  nest_status status = NEST_OK;
  for (int32_t level = 0; level < op->levels && status == NEST_OK; ++level) {
    if (is_flat && op->folded != NULL) {
      weights = add_first(op->dense + channel * op->columns,
                          nest_active_end(op, level));
    }
    const int has_bias = !depthwise || channel < nest_active_outputs(op, level);
    status = check_level(op, level, channel, sum, weights, has_bias);
  }
  return status;
}

/* Weights stored whole, of the levels from `from` on: those of a row in one
 * piece, of a depthwise convolution `rows` apart. */
static nest_status check_dense(const nest_op* op, int32_t from) {
  const int depthwise = op->kind == NEST_DEPTHWISE_CONV_2D;
  const int32_t rows = depthwise ? op->out_c : op->row_groups * op->block_rows;
  const size_t step = depthwise ? (size_t)op->out_c : 1;
  const size_t row_step = depthwise ? 1 : (size_t)op->columns;
  nest_status status = NEST_OK;
  for (int32_t row = 0; row < rows && status == NEST_OK; ++row) {
    const int8_t* weight = op->dense + (size_t)row * row_step;
    reach sum = {0, 0};
    for (int32_t i = 0; i < op->columns; ++i, weight += step) {
      add_weight(*weight, &sum);
    }
    if (nest_has_widths(op)) {
      status = check_widths_of(op, row, &sum);
    } else {
      status = check_channel(op, from, op->levels - 1, row, &sum);
    }
  }
  return status;
}

/* Where a row group's entries are read; a block of them, and how far its next
 * row and column are. */
typedef struct cursor {
  const uint8_t* indices;
  const int8_t* values;
  uint32_t block;
  size_t row_step, col_step;
} cursor;

/* A block by its entry in a record. */
static const int8_t* find_in_record(const nest_op* op, uint32_t entry,
                                    cursor* at) {
  const size_t each = nest_record_entries(op);
  const size_t slot = entry % each;
  const size_t first = nest_value_at(op, slot, 0, 0);
  at->row_step = nest_value_at(op, slot, 1, 0) - first;
  at->col_step = nest_value_at(op, slot, 0, 1) - first;
  return at->values + entry / each * nest_record_bytes(op) + first;
}

/* The next block by its index; NULL past the end of the row. */
static const int8_t* find_by_index(const nest_op* op, cursor* at) {
  const int8_t* values = at->values;
  at->block += nest_load(at->indices, op->index_bytes);
  at->indices += op->index_bytes;
  if (at->block >= (uint32_t)(op->columns / op->block_cols)) return NULL;
  at->col_step = 1;
  if (op->encoding == NEST_LISTS) {
    at->row_step = (size_t)op->columns;
    return values + (size_t)at->block * (size_t)op->block_cols;
  }
  at->row_step = (size_t)op->block_cols;
  at->values += nest_block_size(op);
  return values;
}

static void add_block(const nest_op* op, const int8_t* values, const cursor* at,
                      reach* sums) {
  for (int32_t row = 0; row < op->block_rows; ++row) {
    const int8_t* weight = values;
    for (int32_t col = 0; col < op->block_cols; ++col) {
      add_weight(*weight, &sums[row]);
      weight += at->col_step;
    }
    values += at->row_step;
  }
}

/* Walks the rings of a row group; *at moves past it. */
static nest_status check_group(const nest_op* op, int32_t group, cursor* at) {
  const int places = nest_has_places(op);
  reach sums[NEST_MAX_BLOCK_ROWS] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};
  uint32_t i = 0;
  for (int32_t ring = 0; ring < nest_rings(op); ++ring) {
    const uint32_t count = nest_count(op, group, ring);
    at->block = 0;
    /* Places are counted from ring 0 on. */
    for (uint32_t end = places ? count : i + count; i < end; ++i) {
      const int8_t* values =
          places ? find_in_record(op, i, at) : find_by_index(op, at);
      if (values == NULL) return NEST_ERROR_INDEX;
      add_block(op, values, at, sums);
    }
    for (int32_t row = 0; row < op->block_rows; ++row) {
      const int32_t channel = group * op->block_rows + row;
      const nest_status status =
          check_channel(op, ring, ring, channel, &sums[row]);
      if (status != NEST_OK) return status;
    }
  }
  if (places) at->values += nest_stream_bytes(op, i);
  if (op->encoding == NEST_LISTS) {
    at->values += (size_t)op->block_rows * (size_t)op->columns;
  }
  return NEST_OK;
}

/* Whether what fills up a plane's last group is zero. */
static int plane_is_full(const nest_op* op, const uint8_t* plane) {
  size_t weight = (size_t)op->columns * (size_t)op->out_c;
  for (; weight % NEST_BITS_GROUP != 0; ++weight) {
    if (nest_plane_at(plane, weight) != 0) return 0;
  }
  return 1;
}

/* A row's weights as levels of 4 bits have them, and as those of 8. Upper bits
 * of -8 would be none of an int8 that is rounded to them. */
static int add_bits(const nest_op* op, int32_t row, const uint8_t* low,
                    reach* four, reach* eight) {
  size_t weight = (size_t)row * (size_t)op->columns;
  for (int32_t i = 0; i < op->columns; ++i, ++weight) {
    const int32_t upper = (nest_plane_at(nest_high_plane(op), weight) ^ 8) - 8;
    if (upper == -8) return 0;
    add_weight(16 * upper, four);
    if (low == NULL) continue;
    add_weight(16 * upper + nest_plane_at(low, weight) - 8, eight);
  }
  return 1;
}

static nest_status check_bits(const nest_op* op) {
  const uint8_t* high = nest_high_plane(op);
  const int32_t fours = nest_four_bit_levels(op);
  const uint8_t* low = fours < op->levels ? high + nest_plane_bytes(op) : NULL;
  if (!plane_is_full(op, high) || (low != NULL && !plane_is_full(op, low))) {
    return NEST_ERROR_SECTIONS;
  }
  nest_status status = NEST_OK;
  for (int32_t row = 0; row < op->out_c && status == NEST_OK; ++row) {
    reach four = {0, 0}, eight = {0, 0};
    if (!add_bits(op, row, low, &four, &eight)) return NEST_ERROR_SECTIONS;
    status = check_channel(op, 0, fours - 1, row, &four);
    if (status == NEST_OK) {
      status = check_channel(op, fours, op->levels - 1, row, &eight);
    }
  }
  return status;
}

/* Refer header file for details. */
nest_status nest_check_weights(const nest_op* op) {
  if (nest_has_bits(op)) return check_bits(op);
  if (op->encoding == NEST_DENSE) return check_dense(op, 0);
  cursor at = {op->indices, op->values, 0, 0, 0};
  for (int32_t group = 0; group < op->row_groups; ++group) {
    const nest_status status = check_group(op, group, &at);
    if (status != NEST_OK) return status;
  }
  return op->dense != NULL ? check_dense(op, op->levels - 1) : NEST_OK;
}
