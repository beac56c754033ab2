#include "stream.h"

/* What a sum over weights can reach, over all int8 inputs; and the weights' own
 * sum modulo 2^32. */
typedef struct reach {
  int64_t lowest, highest;
  uint32_t weights;
} reach;

static void add_weight(const nest_op* op, int32_t weight, reach* sum) {
  const int32_t at_min = weight * (-128 - op->input_zero_point);
  const int32_t at_max = weight * (127 - op->input_zero_point);
  sum->lowest += at_min < at_max ? at_min : at_max;
  sum->highest += at_min < at_max ? at_max : at_min;
  sum->weights += (uint32_t)weight;
}

/* Table entries that requantization is defined for, a sum in its range, and the
 * folded bias of the weights. */
static nest_status check_channel(const nest_op* op, int32_t level,
                                 int32_t channel, reach sum) {
  const int32_t at = op->level_table[level] * op->out_c + channel;
  const int32_t shift = op->shift[at];
  if (op->multiplier[at] == INT32_MIN || shift < -31 || shift > 30) {
    return NEST_ERROR_HEADER;
  }
  const int64_t limit = (int64_t)1 << (30 - (shift > 0 ? shift : 0));
  if (sum.highest + op->bias[at] >= limit ||
      sum.lowest + op->bias[at] <= -limit) {
    return NEST_ERROR_ACCUMULATOR;
  }
  if (op->folded == NULL) return NEST_OK;
  const uint32_t folded =
      (uint32_t)op->bias[at] - (uint32_t)op->input_zero_point * sum.weights;
  return (uint32_t)nest_folded_row(op, level)[channel] == folded
             ? NEST_OK
             : NEST_ERROR_SECTIONS;
}

/* A channel that has the same weights from level `from` on. */
static nest_status check_levels_from(const nest_op* op, int32_t from,
                                     int32_t channel, reach sum) {
  nest_status status = NEST_OK;
  for (int32_t level = from; level < op->levels && status == NEST_OK; ++level) {
    status = check_channel(op, level, channel, sum);
  }
  return status;
}

static nest_status check_depthwise(const nest_op* op) {
  for (int32_t c = 0; c < op->out_c; ++c) {
    reach sum = {0, 0, 0};
    for (int32_t i = 0; i < op->columns; ++i) {
      add_weight(op, op->dense[(size_t)i * (size_t)op->out_c + (size_t)c],
                 &sum);
    }
    const nest_status status = check_levels_from(op, 0, c, sum);
    if (status != NEST_OK) return status;
  }
  return NEST_OK;
}

/* Rows of weights stored whole: of all levels, or of the densest. */
static nest_status check_dense_rows(const nest_op* op, int32_t from) {
  const int8_t* weights = op->dense;
  for (int32_t row = 0; row < op->row_groups * op->block_rows; ++row) {
    reach sum = {0, 0, 0};
    int32_t any = 0;
    for (int32_t i = 0; i < op->columns; ++i, ++weights) {
      add_weight(op, *weights, &sum);
      any |= *weights;
    }
    if (row >= op->out_c) {
      if (any != 0) return NEST_ERROR_SECTIONS;
      continue;
    }
    const nest_status status = check_levels_from(op, from, row, sum);
    if (status != NEST_OK) return status;
  }
  return NEST_OK;
}

/* Adds entry i of a row group, whose records start at `values`. */
static nest_status add_entry(const nest_op* op, int32_t group, uint32_t i,
                             const int8_t* values, reach* sums) {
  const size_t slot = i % nest_record_entries(op);
  const int8_t* record =
      values + i / nest_record_entries(op) * nest_record_bytes(op);
  for (int32_t row = 0; row < op->block_rows; ++row) {
    for (int32_t col = 0; col < op->block_cols; ++col) {
      const int32_t weight =
          record[nest_value_at(op, slot, (size_t)row, (size_t)col)];
      if (group * op->block_rows + row >= op->out_c && weight != 0) {
        return NEST_ERROR_SECTIONS;
      }
      add_weight(op, weight, &sums[row]);
    }
  }
  return NEST_OK;
}

/* Walks the records of a row group; *values moves past it. */
static nest_status check_records(const nest_op* op, int32_t group,
                                 const int8_t** values) {
  reach sums[NEST_MAX_BLOCK_ROWS] = {
      {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
  nest_status status = NEST_OK;
  uint32_t i = 0;
  for (int32_t level = 0; level < nest_rings(op); ++level) {
    const uint32_t end = nest_count(op, group, level);
    for (; i < end && status == NEST_OK; ++i) {
      status = add_entry(op, group, i, *values, sums);
    }
    for (int32_t row = 0; row < op->block_rows && status == NEST_OK; ++row) {
      const int32_t channel = group * op->block_rows + row;
      if (channel >= op->out_c) break;
      status = check_channel(op, level, channel, sums[row]);
    }
  }
  *values += nest_stream_bytes(op, i);
  return status;
}

/* Walks the rings of a row group; *indices and *values move past it. */
static nest_status check_group(const nest_op* op, int32_t group,
                               const uint8_t** indices, const int8_t** values) {
  const uint32_t blocks = (uint32_t)(op->columns / op->block_cols);
  const int lists = op->encoding == NEST_LISTS;
  const size_t row_step = (size_t)(lists ? op->columns : op->block_cols);
  reach sums[NEST_MAX_BLOCK_ROWS] = {
      {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
  for (int32_t ring = 0; ring < nest_rings(op); ++ring) {
    const uint32_t entries = nest_count(op, group, ring);
    uint32_t block = 0;
    for (uint32_t i = 0; i < entries; ++i) {
      block += nest_load(*indices, op->index_bytes);
      *indices += op->index_bytes;
      if (block >= blocks) return NEST_ERROR_INDEX;
      const int8_t* first =
          lists ? *values + (size_t)block * (size_t)op->block_cols : *values;
      for (int32_t row = 0; row < op->block_rows; ++row) {
        for (int32_t col = 0; col < op->block_cols; ++col) {
          const int32_t weight = first[(size_t)row * row_step + (size_t)col];
          const int32_t channel = group * op->block_rows + row;
          if (channel >= op->out_c && weight != 0) return NEST_ERROR_SECTIONS;
          add_weight(op, weight, &sums[row]);
        }
      }
      if (!lists) *values += nest_block_size(op);
    }
    for (int32_t row = 0; row < op->block_rows; ++row) {
      const int32_t channel = group * op->block_rows + row;
      if (channel >= op->out_c) break;
      const nest_status status = check_channel(op, ring, channel, sums[row]);
      if (status != NEST_OK) return status;
    }
  }
  if (lists) *values += (size_t)op->block_rows * row_step;
  return NEST_OK;
}

nest_status nest_check_weights(const nest_op* op) {
  if (op->kind == NEST_DEPTHWISE_CONV_2D) return check_depthwise(op);
  if (op->encoding == NEST_DENSE) return check_dense_rows(op, 0);
  const uint8_t* indices = op->indices;
  const int8_t* values = op->values;
  for (int32_t group = 0; group < op->row_groups; ++group) {
    const nest_status status = nest_has_places(op)
                                   ? check_records(op, group, &values)
                                   : check_group(op, group, &indices, &values);
    if (status != NEST_OK) return status;
  }
  return op->dense != NULL ? check_dense_rows(op, op->levels - 1) : NEST_OK;
}
