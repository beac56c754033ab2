#include "direct.h"

/* Whether an offset is that of a block's inputs: of a channel plane's pixel
 * that a tap of the kernel sees from the first output pixel. */
static int offset_is_valid(const nest_op* op, const nest_layout* layout,
                           int32_t offset) {
  const int32_t row = offset / layout->row_bytes;
  const int32_t in_plane = offset % layout->plane_bytes;
  const int32_t pixel = in_plane / (2 * layout->lanes);
  const int32_t x = pixel % layout->phase_width * layout->phases +
                    pixel / layout->phase_width;
  return row % op->dilation_h == 0 && row / op->dilation_h < op->kernel_h &&
         in_plane % (2 * layout->lanes) == 0 && x % op->dilation_w == 0 &&
         x / op->dilation_w < op->kernel_w;
}

/* Whether the second half of a pair that holds one entry is zero. */
static int rest_is_zero(const nest_op* op, const uint8_t* pair) {
  uint32_t any = nest_load(pair + nest_offset_at(op, 1), 2);
  for (size_t row = 0; row < (size_t)op->block_rows; ++row) {
    for (size_t col = 0; col < (size_t)op->block_cols; ++col) {
      any |= pair[nest_value_at(op, 1, row, col)];
    }
  }
  return any == 0;
}

/* A single weight is stored as int16, of int8's range. */
static int weight_is_valid(const nest_op* op, const uint8_t* pair,
                           size_t slot) {
  if (nest_block_size(op) > 1) return 1;
  const uint8_t* weight = pair + nest_value_at(op, slot, 0, 0);
  return weight[1] == (weight[0] < 128 ? 0 : 255);
}

/* Refer header file for details. */
nest_status nest_check_offsets(const nest_op* op) {
  nest_layout layout;
  if (!nest_find_layout(op, op->block_cols, &layout))
    return NEST_ERROR_GEOMETRY;
  const uint8_t* pair = (const uint8_t*)op->values;
  for (int32_t group = 0; group < op->row_groups; ++group) {
    uint32_t entries = 0;
    for (int32_t level = 0; level < op->levels; ++level) {
      if (nest_count(op, group, level) < entries) return NEST_ERROR_SECTIONS;
      entries = nest_count(op, group, level);
    }
    for (uint32_t i = 0; i < entries; ++i) {
      const size_t slot = i % 2;
      const int32_t offset =
          (int32_t)nest_load(pair + nest_offset_at(op, slot), 2);
      if (!offset_is_valid(op, &layout, offset)) return NEST_ERROR_INDEX;
      if (!weight_is_valid(op, pair, slot)) return NEST_ERROR_SECTIONS;
      if (slot == 1) pair += nest_pair_bytes(op);
    }
    if (entries % 2 == 1) {
      if (!rest_is_zero(op, pair) || !weight_is_valid(op, pair, 1)) {
        return NEST_ERROR_SECTIONS;
      }
      pair += nest_pair_bytes(op);
    }
  }
  return NEST_OK;
}
