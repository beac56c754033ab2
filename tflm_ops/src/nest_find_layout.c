#include "direct.h"

/* Refer header file for details. keras_nest/format/layout.py has the same. */
int nest_find_layout(const nest_op* op, int32_t lanes, nest_layout* layout) {
  int64_t phase_width = nest_tile_pixels(lanes);
  layout->lanes = lanes;
  layout->phases = 1;
  layout->rows = 1;
  if (op->kernel_h > 1 || op->kernel_w > 1) {
    const int64_t reach = (int64_t)(op->kernel_w - 1) * op->dilation_w + 1;
    layout->phases = op->stride_w;
    phase_width =
        ((int64_t)(op->out_w - 1) * op->stride_w + reach - 1) / op->stride_w +
        1;
    layout->rows = (op->kernel_h - 1) * op->dilation_h + 1;
  } else if (nest_is_vector(op)) {
    phase_width = 1;
  }
  /* Below 2^26 pixels and 2^25 channels: no overflow. */
  const int64_t plane = layout->phases * phase_width * layout->lanes * 2;
  const int64_t row = plane * (op->in_c / layout->lanes);
  if (row > NEST_MAX_BAND || row * layout->rows > NEST_MAX_BAND) return 0;
  /* Only what is rounded up can exceed the rows that it stands for. */
  const int is_rounded =
      layout->phases > 1 || phase_width == nest_tile_pixels(lanes);
  if (is_rounded &&
      row * layout->rows > nest_scratch_rows(op) + NEST_BAND_SPARE)
    return 0;
  layout->phase_width = (int32_t)phase_width;
  layout->plane_bytes = (int32_t)plane;
  layout->row_bytes = (int32_t)row;
  return 1;
}
