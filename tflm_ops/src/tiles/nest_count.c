#include "../internal.h"

/* Refer header file for details. */
uint32_t nest_count(const nest_op* op, int32_t group, int32_t ring) {
  const int32_t row = op->balanced ? 0 : group;
  const size_t at = (size_t)row * (size_t)nest_rings(op) + (size_t)ring;
  return nest_load(op->counts + at * (size_t)op->count_bytes, op->count_bytes);
}
