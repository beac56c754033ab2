#include "stream.h"

/* Refer header file for details. */
size_t nest_record_bytes(const nest_op* op) {
  if (op->encoding == NEST_OFFSETS) return nest_pair_bytes(op);
  return nest_record_entries(op) * (2 + nest_block_size(op));
}

/* Refer header file for details. */
size_t nest_stream_bytes(const nest_op* op, uint32_t entries) {
  const size_t each = nest_record_entries(op);
  return (entries + each - 1) / each * nest_record_bytes(op);
}
