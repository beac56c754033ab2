#include "decode.h"

/* Refer header file for details. */
size_t nest_decoded_stream_bytes(const nest_op* op) {
  const size_t row =
      nest_decoded_bytes(op, nest_most_entries(op, nest_rings(op) - 1));
  return row > NEST_DECODED_STREAM ? row : NEST_DECODED_STREAM;
}

/* Refer header file for details. */
size_t nest_decoded_fixed_bytes(const nest_op* op) {
  return NEST_DECODED_ROWS * sizeof(nest_row) + nest_decoded_stream_bytes(op) +
         nest_decoded_table_bytes(op) + NEST_BAND_SLACK;
}

/* Refer header file for details. */
size_t nest_decoded_buffer_size(const nest_op* op) {
  if (nest_is_vector(op)) return 2 * (size_t)op->in_c;
  nest_layout layout;
  nest_find_decoded_layout(op, &layout);
  return nest_decoded_fixed_bytes(op) +
         (size_t)layout.held * (size_t)layout.rows * (size_t)layout.row_bytes;
}
