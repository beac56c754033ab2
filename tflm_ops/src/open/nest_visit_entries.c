#include "../direct.h"

/* Refer header file for details. */
void nest_visit_entries(const nest_walk* walk, const nest_tile* tile,
                        int32_t pixels) {
  const nest_op* op = walk->op;
  if (op->block_cols == 1) {
    nest_rows_1x1(tile, pixels == NEST_MAX_TILE ? 2 * tile->step2 : 0, op);
  } else if (op->block_cols == 4) {
    nest_rows_1x4(tile, op);
  } else {
    nest_rows_1x2(tile, op);
  }
  if (!op->common_shifts)
    nest_redo_rows(op, walk->level, tile, walk->first, pixels, 0);
}
