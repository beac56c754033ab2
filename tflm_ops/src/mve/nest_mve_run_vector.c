#include <string.h>

#include "mve.h"
#include "nest/requantize.h"

#if defined(__ARM_FEATURE_MVE)

static nest_mve_vector_kernel* kernel_of(const nest_op* op, int balanced) {
  const int32_t cols = op->block_cols;
  if (balanced && op->block_rows == 4) {
    return cols == 16 ? nest_mve_balanced_4x16 : nest_mve_balanced_4x4;
  }
  if (balanced) {
    return cols == 16  ? nest_mve_balanced_1x16
           : cols == 4 ? nest_mve_balanced_1x4
           : cols == 2 ? nest_mve_balanced_1x2
                       : nest_mve_balanced_1x1;
  }
  if (op->block_rows == 4) {
    return cols == 16 ? nest_mve_vector_4x16 : nest_mve_vector_4x4;
  }
  return cols == 16  ? nest_mve_vector_1x16
         : cols == 4 ? nest_mve_vector_1x4
         : cols == 2 ? nest_mve_vector_1x2
                     : nest_mve_vector_1x1;
}

/* The last channels, `count` of them, which are fewer than four: as four, from
 * tables of their own. Blocks are of one row. */
static void run_rest(const nest_op* op, nest_mve_vector* vector,
                     int32_t count) {
  int32_t folded[4] = {0, 0, 0, 0};
  int32_t multiplier[4] = {0, 0, 0, 0};
  int8_t shift[4] = {-1, -1, -1, -1};
  uint16_t counts[4][2] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};
  int8_t output[4];
  const size_t first = (size_t)(op->out_c - count);
  memcpy(folded, vector->folded + first, (size_t)count * 4);
  memcpy(multiplier, vector->multiplier + first, (size_t)count * 4);
  memcpy(shift, vector->shift + first, (size_t)count);
  const uint8_t* from = vector->counts + first * (size_t)vector->step;
  for (int32_t i = 0; i < count; ++i, from += vector->step) {
    counts[i][0] = (uint16_t)nest_load(from, 2);
    counts[i][1] = (uint16_t)nest_load(from + vector->to_total, 2);
  }
  vector->folded = folded;
  vector->multiplier = multiplier;
  vector->shift = shift;
  vector->counts = (const uint8_t*)counts;
  vector->to_total = 2;
  vector->step = 4;
  int8_t* const to = vector->output + first;
  vector->output = output;
  vector->end = output + 4;
  kernel_of(op, 0)(vector);
  /* cppcheck-suppress uninitvar ; the kernel wrote it, as vector->output */
  memcpy(to, output, (size_t)count);
}

/* The rows with shifts that are not to the right. */
static void redo_rows(const nest_op* op, int32_t level, const int8_t* input,
                      int8_t* output) {
  const int32_t* folded = nest_folded_row(op, level);
  const int32_t table = op->level_table[level] * op->out_c;
  const uint8_t* stream = (const uint8_t*)op->values;
  for (int32_t c = 0; c < op->out_c; ++c) {
    const int32_t group = c / op->block_rows;
    if (op->shift[table + c] >= 0) {
      int32_t acc = folded[c];
      nest_sum_vectors(op, stream, nest_count(op, group, level),
                       c % op->block_rows, (const uint8_t*)input, 0, 1, &acc);
      output[c] =
          nest_output(acc, op->multiplier[table + c], op->shift[table + c],
                      op->output_zero_point, op->act_min, op->act_max);
    }
    if ((c + 1) % op->block_rows == 0) {
      stream +=
          nest_stream_bytes(op, nest_count(op, group, nest_rings(op) - 1));
    }
  }
}

/* Refer header file for details. */
void nest_mve_run_vector(const nest_op* op, int32_t level, const int8_t* input,
                         int8_t* output, void* scratch) {
  if (op->block_cols != 16 && (uintptr_t)input % 4 != 0) {
    /* Gathers take whole words. */
    nest_mve_copy((uint8_t*)scratch, input, op->in_c);
    input = (const int8_t*)scratch;
  }
  const int32_t table = op->level_table[level] * op->out_c;
  const int32_t rings = nest_rings(op);
  nest_mve_vector vector;
  vector.stream = (const uint8_t*)op->values;
  vector.inputs = input;
  vector.counts = op->counts + 2 * level;
  vector.record_bytes = (int32_t)nest_record_bytes(op);
  vector.step = op->balanced ? 0 : 2 * rings;
  vector.to_total = 2 * (rings - 1 - level);
  vector.zero_point = op->output_zero_point;
  vector.least = op->act_min;
  vector.most = op->act_max;
  vector.folded = nest_folded_row(op, level);
  vector.multiplier = op->multiplier + table;
  vector.shift = op->shift + table;
  vector.output = output;
  vector.end = output + op->out_c / 4 * 4;
  if (op->balanced) {
    nest_mve_vector all = vector;
    all.counts = (const uint8_t*)nest_count(op, 0, level);
    all.record_bytes =
        (int32_t)nest_stream_bytes(op, nest_count(op, 0, rings - 1));
    if (op->out_c >= 4) vector.stream = kernel_of(op, 1)(&all);
  } else if (op->out_c >= 4) {
    vector.stream = kernel_of(op, 0)(&vector);
  }
  if (op->out_c % 4 > 0) run_rest(op, &vector, op->out_c % 4);
  if (!op->common_shifts) redo_rows(op, level, input, output);
}
#else
typedef int nest_mve_run_vector_is_for_mve; /* ISO C wants a declaration */
#endif
