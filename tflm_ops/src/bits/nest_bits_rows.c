#include "bits.h"

/* Refer header file for details. In eights: a part begins with a whole group.
 */
int32_t nest_bits_rows(const nest_op* op) {
  int32_t rows = NEST_BITS_WEIGHTS / op->columns / 8 * 8;
  if (rows < 8) rows = 8;
  if (rows > NEST_BITS_ROWS) rows = NEST_BITS_ROWS;
  return rows < op->out_c ? rows : op->out_c;
}
