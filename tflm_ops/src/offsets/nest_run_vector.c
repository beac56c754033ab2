#include "vector.h"

#if defined(__ARM_FEATURE_DSP)
static void run_assembly(const nest_op* op, int32_t level,
                         const uint8_t* inputs, int8_t* output) {
  const int32_t table = op->level_table[level] * op->out_c;
  nest_vector vector;
  vector.stream = (const uint8_t*)op->values;
  vector.counts = op->counts + 2 * level;
  vector.bias = op->bias + table;
  vector.multiplier = op->multiplier + table;
  vector.shift = op->shift + table;
  vector.output = output;
  vector.end = output + op->out_c;
  vector.half_units = 2 * op->output_zero_point + 1;
  vector.inputs = inputs;
  vector.to_total = 2 * (nest_rings(op) - 1 - level);
  vector.step = op->balanced ? 0 : 2 * nest_rings(op);
  if (op->block_rows == 4) {
    nest_vector_4x4(&vector);
  } else if (op->block_cols == 4) {
    nest_vector_1x4(&vector);
  } else {
    nest_vector_1x2(&vector);
  }
}
#endif

static int32_t at_most(int32_t value, int32_t limit) {
  return value < limit ? value : limit;
}

/* Row groups in parts of NEST_VECTOR_ROWS rows, planned as for a tile. */
NEST_RARE static void run_portable(const nest_op* op, int32_t level,
                                   const uint8_t* inputs, int8_t* output,
                                   nest_row* rows) {
  const uint8_t* stream = (const uint8_t*)op->values;
  for (int32_t first = 0; first < op->out_c; first += NEST_VECTOR_ROWS) {
    const int32_t count = at_most(op->out_c - first, NEST_VECTOR_ROWS);
    nest_plan_rows(op, level, first / op->block_rows, count / op->block_rows,
                   &stream, rows);
    const nest_tile tile = {
        inputs, rows, output + first, output + first + count, 0, 0};
#if defined(__ARM_FEATURE_DSP)
    nest_redo_rows(op, level, &tile, first, 1, 1);
#else
    nest_rows_portable(op, &tile, 1, 0);
    nest_redo_rows(op, level, &tile, first, 1, 0);
#endif
  }
}

/* Refer header file for details. */
void nest_run_vector(const nest_op* op, int32_t level, const int8_t* input,
                     int8_t* output, void* scratch) {
  nest_row* rows = (nest_row*)scratch;
  uint8_t* inputs = (uint8_t*)(rows + at_most(op->out_c, NEST_VECTOR_ROWS));
  nest_layout layout;
  nest_find_layout(op, op->block_cols, &layout);
  nest_expand_pixel(op, &layout, input, inputs);
#if defined(__ARM_FEATURE_DSP)
  if (op->common_shifts) {
    run_assembly(op, level, inputs, output);
    nest_clamp(op, output, (size_t)op->out_c);
    return;
  }
#endif
  run_portable(op, level, inputs, output, rows);
  nest_clamp(op, output, (size_t)op->out_c);
}
