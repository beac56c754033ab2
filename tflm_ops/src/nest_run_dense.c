#include "dense.h"

static void plan_rows(const nest_op* op, int32_t level, nest_row* rows) {
  const int32_t table = op->level_table[level] * op->out_c;
  const int32_t half_units = 2 * op->output_zero_point + 1;
  for (int32_t c = 0; c < op->out_c; ++c) {
    nest_plan_channel(op, (size_t)(table + c), half_units, &rows[c]);
    rows[c].stream = (const uint8_t*)op->dense + c * op->columns;
    rows[c].entries = 0;
  }
}

static void plan_taps(const nest_op* op, const nest_layout* layout,
                      int32_t* taps) {
  for (int32_t ky = 0; ky < op->kernel_h; ++ky) {
    for (int32_t kx = 0; kx < op->kernel_w; ++kx) {
      const int32_t x = kx * op->dilation_w;
      const int32_t pixel =
          x % layout->phases * layout->phase_width + x / layout->phases;
      *taps++ = ky * op->dilation_h * layout->row_bytes + pixel * 8;
    }
  }
}

static void visit(const nest_walk* walk, const nest_tile* tile,
                  int32_t pixels) {
  nest_dense_tile dense = *(const nest_dense_tile*)walk->context;
  (void)pixels; /* the steps say it */
  dense.tile = *tile;
  nest_rows_dense(&dense);
}

/* Refer header file for details. */
void nest_run_dense(const nest_op* op, int32_t level, const int8_t* input,
                    int8_t* output, void* scratch) {
  if (nest_is_vector(op)) {
    nest_run_dense_vector(op, level, input, output, scratch);
    return;
  }
  nest_row* rows = (nest_row*)scratch;
  int32_t* taps = (int32_t*)(rows + op->out_c);
  nest_layout layout;
  nest_find_layout(op, 4, &layout);
  plan_rows(op, level, rows);
  plan_taps(op, &layout, taps);
  const int32_t* taps_end = taps + op->kernel_h * op->kernel_w;
  const nest_dense_tile dense = {{0, 0, 0, 0, 0, 0},
                                 taps,
                                 taps_end,
                                 op->in_c / 4,
                                 layout.plane_bytes - 32};
  const nest_walk walk = {op, &layout, level, rows, visit, &dense};
  nest_walk_tiles(&walk, input, output, (uint8_t*)taps + (taps_end - taps) * 4);
}
