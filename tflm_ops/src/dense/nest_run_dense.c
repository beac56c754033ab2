#include "dense.h"

static void plan(nest_walk* walk) {
  const nest_op* op = walk->op;
  nest_plan_channels(op, walk->level, walk->first, walk->channels, walk->rows);
  const uint8_t* weights = (const uint8_t*)op->dense;
  weights += walk->first * op->columns;
  nest_row* const end = walk->rows + walk->channels;
  for (nest_row* row = walk->rows; row < end; ++row, weights += op->columns) {
    row->stream = weights;
    row->entries = 0;
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
  if (!nest_has_dense_band(op)) {
    nest_run_dense_patches(op, level, input, output, scratch);
    return;
  }
  nest_row* rows = (nest_row*)scratch;
  int32_t* taps = (int32_t*)(rows + nest_plans(op));
  nest_layout layout;
  nest_find_layout(op, 4, &layout);
  plan_taps(op, &layout, taps);
  const int32_t* taps_end = taps + op->kernel_h * op->kernel_w;
  const nest_dense_tile dense = {{0, 0, 0, 0, 0, 0},
                                 taps,
                                 taps_end,
                                 op->in_c / 4,
                                 layout.plane_bytes - 32};
  nest_walk walk = {op, &layout, level, 0, 0, rows, plan, NULL, visit, &dense};
  nest_walk_tiles(&walk, input, output, (uint8_t*)taps + (taps_end - taps) * 4);
}
