#include "entries.h"

/* Refer header file for details. */
nest_entries_kernel* nest_find_entries(const nest_op* op, int32_t tile) {
#if defined(__ARM_FEATURE_DSP)
  /* Small: other kernels take what is common. */
  (void)op, (void)tile;
#else
  const int lists = op->encoding == NEST_LISTS;
  switch (op->block_rows * 256 + op->block_cols) {
    case 1 * 256 + 1:
      return nest_find_entries_1(lists, op->index_bytes, tile);
    case 1 * 256 + 2:
      return nest_find_entries_2(lists, op->index_bytes, tile);
    case 1 * 256 + 4:
    case 4 * 256 + 4:
      return nest_find_entries_4(lists, op->index_bytes, tile);
    case 1 * 256 + 16:
    case 4 * 256 + 16:
      return nest_find_entries_16(lists, op->index_bytes, tile);
    default:
      break;
  }
#endif
  return NULL;
}
