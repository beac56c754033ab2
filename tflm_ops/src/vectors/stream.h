/* How the encodings offsets and vectors store a row group: its entries in
 * records, which hold the offsets of some and then the values of the same. */
#ifndef NEST_SRC_STREAM_H_
#define NEST_SRC_STREAM_H_

#include "../internal.h"

/* Bytes of a record of the encoding offsets, which holds two entries. */
static inline size_t nest_pair_bytes(const nest_op* op) {
  return nest_block_size(op) == 1 ? 8 : 4 + 2 * nest_block_size(op);
}

/* The place of an entry's offset in its pair, and of a value of its block. */
static inline size_t nest_pair_offset_at(const nest_op* op, size_t slot) {
  return nest_block_size(op) == 1 ? 4 * slot : 2 * slot;
}
static inline size_t nest_pair_value_at(const nest_op* op, size_t slot,
                                        size_t row, size_t col) {
  const size_t cols = (size_t)op->block_cols;
  if (cols == 1) return 4 * slot + 2;
  if (cols == 2) return 4 + 2 * col + slot;
  return 4 + slot * nest_block_size(op) + row * cols + col;
}

/* Entries and bytes of a record, of either encoding. */
static inline size_t nest_record_entries(const nest_op* op) {
  if (op->encoding == NEST_OFFSETS) return 2;
  return op->block_cols == 16 ? 2 : op->block_cols == 4 ? 4 : 8;
}
NEST_COLD size_t nest_record_bytes(const nest_op* op);

/* Bytes of a row group of so many entries. */
NEST_COLD size_t nest_stream_bytes(const nest_op* op, uint32_t entries);

/* The place of an entry's offset in its record, and of a value of its block, of
 * either encoding. */
static inline size_t nest_offset_at(const nest_op* op, size_t slot) {
  return op->encoding == NEST_OFFSETS ? nest_pair_offset_at(op, slot)
                                      : 2 * slot;
}
NEST_COLD size_t nest_value_at(const nest_op* op, size_t slot, size_t row,
                               size_t col);

#endif /* NEST_SRC_STREAM_H_ */
