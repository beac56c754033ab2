/* What the kernels share and callers do not see. */
#ifndef NEST_SRC_INTERNAL_H_
#define NEST_SRC_INTERNAL_H_

#include <stddef.h>
#include <stdint.h>

#include "nest/config.h"
#include "nest/nest.h"

#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__)
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error \
    "The packed format is little-endian and read in place: no big-endian cores."
#endif
#endif

/* Whether levels are widths; 0 where the build has none. */
static inline int nest_has_widths(const nest_op* op) {
  return NEST_WIDTHS && op->widths;
}

/* Whether levels are bits of the weights; 0 where the build has none. */
static inline int nest_has_bits(const nest_op* op) {
  return NEST_BITS && op->encoding == NEST_PLANES;
}

/* Channels from pixel to pixel of the input and the output, and weights from an
 * output channel to the next; of a level of width not those that it has. */
static inline int32_t nest_in_pitch(const nest_op* op) {
  return NEST_WIDTHS ? op->in_pitch : op->in_c;
}
static inline int32_t nest_out_pitch(const nest_op* op) {
  return NEST_WIDTHS || NEST_BITS ? op->out_pitch : op->out_c;
}
static inline int32_t nest_row_pitch(const nest_op* op) {
  return NEST_WIDTHS ? op->row_pitch : op->columns;
}

/* Output pixels (or vectors) that share the decoding of the indices. */
#define NEST_TILE 4

/* What their patches may have beyond the rows of nest_scratch_rows. */
#define NEST_PATCHES_SPARE 4096

/* What runs once, before the first inference or in each without a loop, is
 * compiled for size. */
#if defined(__GNUC__)
#define NEST_COLD __attribute__((cold))
#else
#define NEST_COLD
#endif
/* So is what runs for a call, a tile or a row of weights, around the loops over
 * its weights that take the time. */
#define NEST_AROUND NEST_COLD
/* So is what runs only where a core's own kernels do not: for uncommon shifts,
 * inputs beyond a band, encodings that are for other cores. */
#if defined(__ARM_FEATURE_DSP)
#define NEST_RARE NEST_COLD
#else
#define NEST_RARE
#endif

/* An unsigned little-endian integer of 1, 2 or 4 bytes. */
static inline uint32_t nest_load(const uint8_t* from, int32_t width) {
  uint32_t value = from[0];
  if (width >= 2) value |= (uint32_t)from[1] << 8;
  if (width == 4) value |= (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
  return value;
}

/* Rings that have counts and entries. */
static inline int32_t nest_rings(const nest_op* op) {
  if (op->encoding == NEST_DENSE) return 0;
  if (op->encoding == NEST_LISTS || op->dense_top) return op->levels - 1;
  return op->levels;
}

/* Whether entries have the places of their inputs: offsets and vectors. */
static inline int nest_has_places(const nest_op* op) {
  return op->encoding >= NEST_OFFSETS && !nest_has_bits(op);
}

/* Whether an op has levels that no ring is of, and whether a level is one: it
 * runs as in the encoding dense. */
static inline int nest_has_dense(const nest_op* op) {
  return nest_rings(op) < op->levels;
}
static inline int nest_runs_dense(const nest_op* op, int32_t level) {
  return level >= nest_rings(op);
}

/* The folded biases [out_c] of a level, where op->folded is not NULL. */
static inline const int32_t* nest_folded_row(const nest_op* op, int32_t level) {
  const int by_table = op->encoding == NEST_DENSE && !nest_has_widths(op);
  const int32_t row = by_table ? op->level_table[level] : level;
  return op->folded + (size_t)row * (size_t)op->out_c;
}

/* Entries of a ring in a row group; in the encodings offsets and vectors those
 * of the rings up to it. */
NEST_AROUND uint32_t nest_count(const nest_op* op, int32_t group, int32_t ring);

/* Weights of a block. */
static inline size_t nest_block_size(const nest_op* op) {
  return (size_t)op->block_rows * (size_t)op->block_cols;
}

/* Bytes of (kernel height + 1) padded input rows as int16, which bound the
 * scratch of a convolution; the height is that of the dilated kernel. At most
 * 2^31: more is no different. */
NEST_COLD int64_t nest_scratch_rows(const nest_op* op);

/* Output pixels that nest_run_tiles takes at a time, and its scratch bytes. */
NEST_COLD int32_t nest_tile_of(const nest_op* op);
NEST_COLD size_t nest_tiles_buffer_size(const nest_op* op);

/* nest_open's steps, in order. Each trusts the ones before it. */
NEST_COLD nest_status nest_read_header(const uint8_t* blob, size_t bytes,
                                       nest_op* op);
NEST_COLD nest_status nest_check_geometry(const nest_op* op);
NEST_COLD nest_status nest_check_sections(const uint8_t* blob, size_t bytes,
                                          nest_op* op);
NEST_COLD nest_status
nest_check_places(const nest_op* op); /* offsets and vectors only */
NEST_COLD nest_status nest_check_widths(const nest_op* op); /* widths only */
NEST_COLD nest_status nest_check_weights(const nest_op* op);

/* Whether every level's shifts are those of the short requantization. */
NEST_COLD int nest_has_common_shifts(const nest_op* op);

/* patches[column][tile] = input - zero point of `pixels` output pixels from
 * `first` on, in row-major order, and anything past them; 0 in the padding. */
NEST_RARE void nest_gather_patches(const nest_op* op, const int8_t* input,
                                   int32_t first, int32_t pixels, int32_t tile,
                                   int16_t* patches);

/* acc[tile] += one dense row of weights times the patches. */
NEST_RARE void nest_accumulate_row(const int8_t* row, int32_t columns,
                                   const int16_t* patches, int32_t tile,
                                   int32_t* acc);

/* Requantizes the sums of one output channel of `pixels` pixels;
 * output[pixels][out_c]. */
NEST_RARE void nest_store_channel(const nest_op* op, int32_t level,
                                  int32_t channel, const int32_t* acc,
                                  int32_t pixels, int8_t* output);

/* All output channels of `pixels` pixels; output[pixels][out_c]. */
NEST_RARE void nest_multiply_tile(const nest_op* op, int32_t level,
                                  const int16_t* patches, int32_t pixels,
                                  int32_t tile, int8_t* output);

/* All output pixels of a conv 2D or fully connected op, im2col of one tile at a
 * time. */
NEST_RARE void nest_run_tiles(const nest_op* op, int32_t level,
                              const int8_t* input, int8_t* output,
                              int16_t* patches);

/* A conv 2D or fully connected op, which is a 1x1 convolution over its vectors:
 * the kernel for its encoding and level, and the scratch bytes of all levels.
 */
void nest_run_op(const nest_op* op, int32_t level, const int8_t* input,
                 int8_t* output, void* scratch);
NEST_COLD size_t nest_op_buffer_size(const nest_op* op);

#endif /* NEST_SRC_INTERNAL_H_ */
