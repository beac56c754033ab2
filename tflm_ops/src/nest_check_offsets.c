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

static int all_zero(const uint8_t* from, size_t step, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (from[i * step] != 0) return 0;
  }
  return 1;
}

/* The second half of a pair that holds one entry. */
static int rest_is_zero(const nest_op* op, const uint8_t* pair) {
  const size_t size = nest_block_size(op);
  const int twos = op->block_cols == 2;
  return nest_load(pair + 2, 2) == 0 &&
         all_zero(pair + 4 + (twos ? 1 : size), twos ? 2 : 1, size);
}

/* Refer header file for details. */
nest_status nest_check_offsets(const nest_op* op) {
  nest_layout layout;
  if (!nest_find_layout(op, op->block_cols, &layout)) return NEST_ERROR_GEOMETRY;
  const uint8_t* pair = (const uint8_t*)op->values;
  for (int32_t group = 0; group < op->row_groups; ++group) {
    uint32_t entries = 0;
    for (int32_t level = 0; level < op->levels; ++level) {
      if (nest_count(op, group, level) < entries) return NEST_ERROR_SECTIONS;
      entries = nest_count(op, group, level);
    }
    for (uint32_t i = 0; i < entries; ++i) {
      const size_t slot = i % 2;
      const int32_t offset = (int32_t)nest_load(pair + 2 * slot, 2);
      if (!offset_is_valid(op, &layout, offset)) return NEST_ERROR_INDEX;
      if (slot == 1) pair += nest_pair_bytes(op);
    }
    if (entries % 2 == 1) {
      if (!rest_is_zero(op, pair)) return NEST_ERROR_SECTIONS;
      pair += nest_pair_bytes(op);
    }
  }
  return NEST_OK;
}
