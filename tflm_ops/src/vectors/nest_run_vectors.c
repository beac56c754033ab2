#include "../mve/mve.h"
#include "vectors.h"

#if defined(__ARM_FEATURE_MVE)
/* Refer header file for details. */
void nest_run_vectors(const nest_op* op, int32_t level, const int8_t* input,
                      int8_t* output, void* scratch) {
  nest_mve_run(op, level, input, output, scratch);
}
#else
static void visit(const nest_walk* walk, const nest_tile* tile,
                  int32_t pixels) {
  nest_rows_vectors(walk->op, walk->level, walk->layout, tile, pixels);
}

/* Refer header file for details. */
void nest_run_vectors(const nest_op* op, int32_t level, const int8_t* input,
                      int8_t* output, void* scratch) {
  nest_layout layout;
  nest_find_byte_layout(op, op->block_cols, &layout);
  /* No plans: one part of all channels. */
  nest_walk walk = {op,   &layout, level, 0,     op->out_c,
                    NULL, NULL,    NULL,  visit, NULL};
  nest_walk_tiles(&walk, input, output, (uint8_t*)scratch);
}
#endif
