#include "../widths/widths.h"
#include "dense.h"

static void plan(nest_walk* walk) {
  const nest_op* op = walk->op;
  nest_plan_active(op, walk->level, walk->first, walk->channels, walk->rows);
  const uint8_t* weights = (const uint8_t*)op->dense;
  weights += walk->first * nest_row_pitch(op);
  nest_row* const end = walk->rows + walk->channels;
  for (nest_row* row = walk->rows; row < end;
       ++row, weights += nest_row_pitch(op)) {
    row->stream = weights;
    row->entries = 0;
  }
}

/* The end of the table. The runs of the first tap are those of all. */
NEST_AROUND static nest_dense_tap* plan_taps(const nest_op* op,
                                             const nest_layout* layout,
                                             nest_dense_tap* taps) {
  nest_dense_tap* const first = taps;
  int32_t end = 0; /* of the weights before */
  nest_run run;
  for (int32_t i = 0; NEST_WIDTHS && nest_next_fours(op, &i, &run); ++taps) {
    taps->quads = run.count / 4;
    taps->offset = run.start / 4 * layout->plane_bytes;
    taps->skip = run.start - end;
    end = run.start + run.count;
  }
  const nest_dense_tap* const runs = taps;
  taps = first;
  for (int32_t ky = 0; ky < op->kernel_h; ++ky) {
    for (int32_t kx = 0; kx < op->kernel_w; ++kx) {
      const int32_t x = kx * op->dilation_w;
      const int32_t pixel =
          x % layout->phases * layout->phase_width + x / layout->phases;
      const int32_t offset =
          ky * op->dilation_h * layout->row_bytes + pixel * 8;
      if (!NEST_WIDTHS) {
        const nest_dense_tap tap = {op->in_c / 4, offset, 0};
        *taps++ = tap;
        continue;
      }
      if (taps == first) { /* is there: its offset is 0 */
        taps += runs - first;
        continue;
      }
      for (const nest_dense_tap* from = first; from < runs; ++from, ++taps) {
        *taps = *from;
        taps->offset += offset;
        if (from == first) taps->skip += nest_in_pitch(op) - end;
      }
    }
  }
  return taps;
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
  nest_dense_tap* taps = (nest_dense_tap*)(rows + nest_plans(op));
  nest_layout layout;
  nest_find_layout(op, 4, &layout);
  nest_dense_tap* taps_end = plan_taps(op, &layout, taps);
  const nest_dense_tile dense = {
      {0, 0, 0, 0, 0, 0}, taps, taps_end, layout.plane_bytes - 32};
  nest_walk walk = {op, &layout, level, 0, 0, rows, plan, NULL, visit, &dense};
  nest_walk_tiles(&walk, input, output, (uint8_t*)taps_end);
}
