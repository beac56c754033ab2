#include "../direct.h"

static void plan(nest_walk* walk) {
  if (walk->first == 0) walk->stream = (const uint8_t*)walk->op->values;
  nest_plan_rows(walk->op, walk->level, walk->first, walk->channels,
                 &walk->stream, walk->rows);
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
  nest_walk walk = {
      op, &layout, level, 0, 0, rows, plan, NULL, nest_visit_entries, NULL};
  nest_walk_tiles(&walk, input, output, (uint8_t*)(rows + nest_plans(op)));
}
