/* Levels of bits: the weights are stored in two planes of four bits each, and a
 * level of 4 bits reads the upper one alone (format.h). The planes are unpacked
 * into scratch, some output channels at a time, and the dense kernels run on
 * what is there: a level costs as much as dense weights do, and the unpacking.
 */
#ifndef NEST_SRC_BITS_H_
#define NEST_SRC_BITS_H_

#include "../internal.h"

/* Weights that lie together: four bytes of a plane. */
#define NEST_BITS_GROUP 8

/* Unpacked weights of output channels that are run together, at most, where
 * there are more than NEST_BITS_GROUP of them; and such channels. */
#define NEST_BITS_WEIGHTS 16384
#define NEST_BITS_ROWS 128

/* Groups that so many output channels have from a whole group on. */
static inline int32_t nest_bits_groups(const nest_op* op, int32_t rows) {
  return (rows * op->columns + NEST_BITS_GROUP - 1) / NEST_BITS_GROUP;
}

/* The planes: NEST_BITS_GROUP / 2 bytes for each group of all weights. */
static inline const uint8_t* nest_high_plane(const nest_op* op) {
  return (const uint8_t*)op->values;
}
static inline size_t nest_plane_bytes(const nest_op* op) {
  return (size_t)nest_bits_groups(op, op->out_c) * (NEST_BITS_GROUP / 2);
}

/* What there is of a weight in a plane: 0 to 15. */
static inline int32_t nest_plane_at(const uint8_t* plane, size_t weight) {
  const size_t lane = weight % NEST_BITS_GROUP;
  const uint8_t* byte = plane + (weight - lane) / 2 + lane % 4;
  return lane < 4 ? *byte >> 4 : *byte & 15;
}

/* Levels that read the upper plane only, the first ones; and whether one does.
 */
static inline int32_t nest_four_bit_levels(const nest_op* op) {
  return op->segments;
}
static inline int nest_is_four_bits(const nest_op* op, int32_t level) {
  return level < nest_four_bit_levels(op);
}

/* to[8 * groups]: the weights of 8 bits, or with low = NULL those of 4. */
void nest_unpack_bits(const uint8_t* high, const uint8_t* low, int32_t groups,
                      int8_t* to);

/* Scratch bytes of a kernel of dense weights. */
typedef size_t nest_dense_bytes(const nest_op* op);

/* Some output channels of an op, from `first` on, at a level, as a dense op
 * with these weights: to be run at its level 0. */
NEST_COLD void nest_part_of_bits(const nest_op* op, int32_t level,
                                 int32_t first, int32_t channels,
                                 const int8_t* weights, nest_op* part);

/* Output channels of a part: the last one may have fewer. */
NEST_COLD int32_t nest_bits_rows(const nest_op* op);

/* Scratch bytes, with those of the kernel. */
NEST_COLD size_t nest_bits_buffer_size(const nest_op* op,
                                       nest_dense_bytes* bytes_of);

/* A conv 2D or fully connected op at a level, part by part; *part takes the
 * caller's stack. */
NEST_AROUND void nest_run_bits(const nest_op* op, int32_t level,
                               const int8_t* input, int8_t* output,
                               void* scratch, nest_op* part);

#endif /* NEST_SRC_BITS_H_ */
