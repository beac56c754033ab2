#include "direct.h"

static void plan(nest_walk* walk) {
  if (walk->first == 0) walk->stream = (const uint8_t*)walk->op->values;
  nest_plan_rows(walk->op, walk->level, walk->first, walk->channels,
                 &walk->stream, walk->rows);
}

static void visit(const nest_walk* walk, const nest_tile* tile,
                  int32_t pixels) {
  const nest_op* op = walk->op;
  if (op->block_cols == 1) {
    nest_rows_1x1(op, tile, pixels == NEST_MAX_TILE ? 2 * tile->step2 : 0);
  } else if (op->block_cols == 4) {
    nest_rows_1x4(op, tile);
  } else {
    nest_rows_1x2(op, tile);
  }
  if (!op->common_shifts)
    nest_redo_rows(op, walk->level, tile, walk->first, pixels);
}

/* Refer header file for details. */
void nest_run_direct(const nest_op* op, int32_t level, const int8_t* input,
                     int8_t* output, void* scratch) {
  if (nest_is_vector(op)) {
    nest_run_vector(op, level, input, output, scratch);
    return;
  }
  nest_row* rows = (nest_row*)scratch;
  nest_layout layout;
  nest_find_layout(op, op->block_cols, &layout);
  nest_walk walk = {op, &layout, level, 0, 0, rows, plan, NULL, visit, NULL};
  nest_walk_tiles(&walk, input, output, (uint8_t*)(rows + nest_plans(op)));
}
