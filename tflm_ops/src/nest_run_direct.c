#include "direct.h"

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
  if (!op->common_shifts) nest_redo_rows(op, walk->level, tile, 0, pixels);
}

/* Refer header file for details. */
void nest_run_direct(const nest_op* op, int32_t level, const int8_t* input,
                     int8_t* output, void* scratch) {
  if (nest_is_vector(op)) {
    nest_run_vector(op, level, input, output, scratch);
    return;
  }
  nest_row* rows = (nest_row*)scratch;
  const uint8_t* stream = (const uint8_t*)op->values;
  nest_plan_rows(op, level, 0, op->row_groups, &stream, rows);
  nest_layout layout;
  nest_find_layout(op, op->block_cols, &layout);
  const nest_walk walk = {op, &layout, level, rows, visit, NULL};
  nest_walk_tiles(&walk, input, output, (uint8_t*)(rows + op->out_c));
}
