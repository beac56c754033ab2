#include "../widths/widths.h"

/* Refer header file for details. */
nest_status nest_open(const void* blob, size_t bytes, nest_op* op) {
  const uint8_t* data = (const uint8_t*)blob;
  nest_status status = nest_read_header(data, bytes, op);
  if (status == NEST_OK) status = nest_check_geometry(op);
  if (status == NEST_OK) status = nest_check_sections(data, bytes, op);
  if (status == NEST_OK && nest_has_places(op)) {
    status = nest_check_places(op);
  }
  if (status == NEST_OK && nest_has_widths(op)) status = nest_check_widths(op);
  if (status == NEST_OK) status = nest_check_weights(op);
  if (status != NEST_OK) return status;
  op->common_shifts = nest_has_common_shifts(op);
  if (nest_has_widths(op)) op->whole = nest_find_whole(op);
  return NEST_OK;
}
