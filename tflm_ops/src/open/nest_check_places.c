#include "../direct.h"

/* The first column of the block whose inputs are at `offset`; -1 where a kernel
 * of blocks of `cols` columns has no inputs for the first output pixel. */
static int32_t column_at(const nest_op* op, const nest_layout* layout,
                         int32_t offset) {
  const int32_t row = offset / layout->row_bytes;
  const int32_t plane = offset % layout->row_bytes / layout->plane_bytes;
  const int32_t in_plane = offset % layout->plane_bytes;
  const int32_t pixel = in_plane / layout->pixel_bytes;
  const int32_t lane = in_plane % layout->pixel_bytes / layout->value_bytes;
  const int32_t x = pixel % layout->phase_width * layout->phases +
                    pixel / layout->phase_width;
  if (row % op->dilation_h != 0 || row / op->dilation_h >= op->kernel_h ||
      x % op->dilation_w != 0 || x / op->dilation_w >= op->kernel_w ||
      lane % op->block_cols != 0 || in_plane % layout->value_bytes != 0) {
    return -1;
  }
  const int32_t tap = row / op->dilation_h * op->kernel_w + x / op->dilation_w;
  return tap * op->in_c + plane * layout->lanes + lane;
}

/* Whether an entry's values are those of the dense top. */
static int is_nested(const nest_op* op, const uint8_t* record, size_t slot,
                     int32_t group, int32_t column) {
  const int8_t* top = op->dense + column;
  top += (size_t)(group * op->block_rows) * (size_t)op->columns;
  for (int32_t row = 0; row < op->block_rows; ++row, top += op->columns) {
    for (int32_t col = 0; col < op->block_cols; ++col) {
      const size_t at = nest_value_at(op, slot, (size_t)row, (size_t)col);
      if ((int8_t)record[at] != top[col]) return 0;
    }
  }
  return 1;
}

/* A single weight of the encoding offsets is stored as int16, of int8's range.
 */
static int weight_is_valid(const nest_op* op, const uint8_t* record,
                           size_t slot) {
  if (op->encoding != NEST_OFFSETS || nest_block_size(op) > 1) return 1;
  const uint8_t* weight = record + nest_value_at(op, slot, 0, 0);
  return weight[1] == (weight[0] < 128 ? 0 : 255);
}

static nest_status check_entry(const nest_op* op, const nest_layout* layout,
                               const uint8_t* record, size_t slot,
                               int32_t group) {
  const int32_t column = column_at(
      op, layout, (int32_t)nest_load(record + nest_offset_at(op, slot), 2));
  if (column < 0) return NEST_ERROR_INDEX;
  if (!weight_is_valid(op, record, slot) ||
      (op->dense_top && !is_nested(op, record, slot, group, column))) {
    return NEST_ERROR_SECTIONS;
  }
  return NEST_OK;
}

/* Whether a slot that holds no entry is zero. */
static int slot_is_zero(const nest_op* op, const uint8_t* record, size_t slot) {
  uint32_t any = nest_load(record + nest_offset_at(op, slot), 2);
  for (size_t row = 0; row < (size_t)op->block_rows; ++row) {
    for (size_t col = 0; col < (size_t)op->block_cols; ++col) {
      any |= record[nest_value_at(op, slot, row, col)];
    }
  }
  return any == 0 && weight_is_valid(op, record, slot);
}

/* Entries of a row group, or 0xffffffff where counts of rings up to a level
 * fall from one to the next. */
static uint32_t entries_of(const nest_op* op, int32_t group) {
  uint32_t entries = 0;
  for (int32_t ring = 0; ring < nest_rings(op); ++ring) {
    if (nest_count(op, group, ring) < entries) return 0xffffffffu;
    entries = nest_count(op, group, ring);
  }
  return entries;
}

/* Refer header file for details. */
nest_status nest_check_places(const nest_op* op) {
  nest_layout layout;
  const int fits = op->encoding == NEST_VECTORS
                       ? nest_find_byte_layout(op, op->block_cols, &layout)
                       : nest_find_layout(op, op->block_cols, &layout);
  if (!fits) return NEST_ERROR_GEOMETRY;
  const size_t each = nest_record_entries(op);
  const uint8_t* record = (const uint8_t*)op->values;
  for (int32_t group = 0; group < op->row_groups; ++group) {
    const uint32_t entries = entries_of(op, group);
    if (entries == 0xffffffffu) return NEST_ERROR_SECTIONS;
    for (uint32_t i = 0; i < entries; record += nest_record_bytes(op)) {
      for (size_t slot = 0; slot < each; ++slot, ++i) {
        if (i >= entries) {
          if (!slot_is_zero(op, record, slot)) return NEST_ERROR_SECTIONS;
          continue;
        }
        const nest_status status =
            check_entry(op, &layout, record, slot, group);
        if (status != NEST_OK) return status;
      }
    }
  }
  return NEST_OK;
}
