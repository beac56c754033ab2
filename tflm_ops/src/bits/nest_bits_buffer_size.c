#include "bits.h"

/* Refer header file for details. The first part is the largest. */
size_t nest_bits_buffer_size(const nest_op* op, nest_dense_bytes* bytes_of) {
  const int32_t rows = nest_bits_rows(op);
  nest_op part;
  nest_part_of_bits(op, 0, 0, rows, op->values, &part);
  return (size_t)nest_bits_groups(op, rows) * NEST_BITS_GROUP + bytes_of(&part);
}
