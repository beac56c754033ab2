#include "../direct.h"

/* Fills in the rest from lanes, value_bytes, tile and phases, which is that of
 * kernels larger than 1x1; 0 where offsets do not reach. */
static int measure(const nest_op* op, nest_layout* layout) {
  const int is_1x1 = op->kernel_h == 1 && op->kernel_w == 1;
  int64_t phase_width = nest_is_vector(op) ? 1 : layout->tile;
  layout->rows = 1;
  layout->pixel_bytes = layout->lanes * layout->value_bytes;
  layout->step_bytes = layout->pixel_bytes;
  if (is_1x1) {
    layout->phases = 1;
  } else {
    const int64_t reach = (int64_t)(op->kernel_w - 1) * op->dilation_w + 1;
    const int64_t last = (int64_t)(op->out_w - 1) * op->stride_w + reach - 1;
    phase_width = last / layout->phases + 1;
    layout->rows = (op->kernel_h - 1) * op->dilation_h + 1;
  }
  /* Below 2^26 pixels and 2^25 bytes of channels: no overflow. */
  const int64_t plane =
      layout->phases * phase_width * layout->lanes * layout->value_bytes;
  const int64_t row = plane * (op->in_c / layout->lanes);
  if (row > NEST_MAX_BAND || row * layout->rows > NEST_MAX_BAND) return 0;
  /* Only what is rounded up can exceed the rows that it stands for. */
  const int is_rounded = layout->phases > 1 || phase_width == layout->tile;
  if (is_rounded &&
      row * layout->rows > nest_scratch_rows(op) + NEST_BAND_SPARE) {
    return 0;
  }
  /* One output pixel needs no step, and the stride may be anything then. */
  if (!is_1x1 && layout->phases < op->stride_w) {
    layout->step_bytes = op->out_w > 1 ? op->stride_w * layout->pixel_bytes : 0;
  }
  layout->phase_width = (int32_t)phase_width;
  layout->plane_bytes = (int32_t)plane;
  layout->row_bytes = (int32_t)row;
  layout->strip_rows = 1;
  /* As int8 nothing is planned. */
  layout->held = layout->value_bytes == 1 ? 1 : nest_tiles_held(op, layout);
  return 1;
}

/* Refer header file for details. keras_nest/format/layout.py has the same. */
int nest_find_layout(const nest_op* op, int32_t lanes, nest_layout* layout) {
  layout->lanes = lanes;
  layout->value_bytes = 2;
  layout->padding = 0;
  layout->tile = lanes == 1 ? NEST_MAX_TILE : NEST_TILE;
  layout->phases = op->stride_w;
  return measure(op, layout);
}

/* Refer header file for details. keras_nest/format/layout.py has the same. */
int nest_find_byte_layout(const nest_op* op, int32_t cols,
                          nest_layout* layout) {
  const int planes = cols == 16;
  layout->lanes = planes ? 16 : op->in_c;
  layout->value_bytes = 1;
  layout->padding = op->input_zero_point;
  layout->tile = NEST_TILE;
  layout->phases = planes ? op->stride_w : 1;
  return measure(op, layout);
}
