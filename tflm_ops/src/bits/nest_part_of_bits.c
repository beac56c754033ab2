#include "bits.h"

static const uint8_t first_table = 0;

/* Refer header file for details. Outputs are clamped when all parts are there.
 */
void nest_part_of_bits(const nest_op* op, int32_t level, int32_t first,
                       int32_t channels, const int8_t* weights, nest_op* part) {
  const int32_t table = op->level_table[level] * op->out_c + first;
  *part = *op;
  part->encoding = NEST_DENSE;
  part->levels = 1;
  part->out_c = channels;
  part->row_groups = channels;
  part->dense = weights;
  part->multiplier += table;
  part->bias += table;
  part->shift += table;
  part->level_table = &first_table;
  if (op->folded != NULL) part->folded = nest_folded_row(op, level) + first;
  part->act_min = -128;
  part->act_max = 127;
}
