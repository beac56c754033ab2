/* Nested sparse int8 ops: the contract. Portable C99, no malloc, no globals.
 *
 * A nested op holds one weight set and several levels of sparsity in it: level
 * 0 is the sparsest and cheapest, op->levels - 1 the densest. The level is an
 * argument of every call, so switching costs nothing. Use:
 *
 *   nest_op op;                                     once
 *   if (nest_open(blob, bytes, &op) != NEST_OK) ...
 *   scratch = ... nest_conv_2d_get_buffer_size(&op) bytes, aligned for
 *             pointers ...
 *   nest_conv_2d(&op, level, input, output, scratch);    every inference
 *
 * Arithmetic of every op, for level l and output channel c, bit for bit that of
 * TFLite's int8 reference kernels (double rounding) with level l's weights:
 *
 *   acc = bias[l][c] + sum over the level's weights of
 *         (input - input_zero_point) * weight          padding adds nothing
 *   out = clamp(requantize(acc, multiplier[l][c], shift[l][c])
 *               + output_zero_point, act_min, act_max)
 *
 * Where levels are widths (format.h), level l's weights are those of its own
 * channels; the outputs that it does not have are output_zero_point, and the
 * inputs that it does not have must be input_zero_point, as builtin ops between
 * two such ops leave them.
 *
 * A negative multiplier stands for a negative scale (a folded BatchNorm's
 * gamma). nest_open makes sure that no acc << shift reaches 2^30 in magnitude,
 * whatever the input, so that nothing overflows.
 */
#ifndef NEST_NEST_H_
#define NEST_NEST_H_

#include <stddef.h>
#include <stdint.h>

#include "nest/format.h"

#if defined(TFLITE_SINGLE_ROUNDING) && TFLITE_SINGLE_ROUNDING
#error \
    "keras-nest requantizes with TFLite's double rounding; a firmware built with TFLITE_SINGLE_ROUNDING would give other bytes in its builtin ops. Build without it."
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nest_status {
  NEST_OK = 0,
  NEST_ERROR_TRUNCATED, /* fewer or more bytes than the blob says */
  NEST_ERROR_ALIGNMENT, /* the blob does not start at a multiple of 4 */
  NEST_ERROR_MAGIC,     /* not a packed nested op */
  NEST_ERROR_VERSION,   /* another format version */
  NEST_ERROR_HEADER,    /* a field out of range, a reserved byte not zero */
  NEST_ERROR_GEOMETRY,  /* shapes, strides, padding that do not fit together */
  NEST_ERROR_SECTIONS,  /* section offsets or sizes that do not add up */
  NEST_ERROR_INDEX,     /* a block past the end of its row */
  NEST_ERROR_ACCUMULATOR, /* an accumulator could reach 2^30 */
  NEST_ERROR_LEVEL,       /* level not in 0..levels-1 */
  NEST_ERROR_KIND,        /* op of another kind than the function called */
  NEST_ERROR_WIDTHS,      /* levels of width, in a build without them */
  NEST_ERROR_BITS         /* levels of bits, in a build without them */
} nest_status;

typedef enum nest_op_kind {
  NEST_CONV_2D = 1,
  NEST_DEPTHWISE_CONV_2D = 2,
  NEST_FULLY_CONNECTED = 3
} nest_op_kind;

typedef enum nest_encoding {
  NEST_DENSE = 0,
  NEST_BLOCKS = 1,
  NEST_LISTS = 2,
  NEST_OFFSETS = 3,
  NEST_VECTORS = 4,
  NEST_PLANES = 5 /* of an open op: dense with levels of bits; `values` are the
                      planes, `dense` is NULL */
} nest_encoding;

/* A validated view into a blob, which must outlive it. Read-only for callers.
 * Fully connected: in_h = out_h = 1, in_w = out_w = vectors per call, in_c and
 * out_c the features. Depthwise: out_c / in_c is the depth multiplier. */
typedef struct nest_op {
  nest_op_kind kind;
  nest_encoding encoding;
  int32_t levels;
  int32_t block_rows, block_cols;
  int32_t index_bytes, count_bytes;
  int32_t balanced;  /* counts are per ring, not per row group and ring */
  int32_t dense_top; /* the densest level is stored apart, dense */
  int32_t input_zero_point, output_zero_point;
  int32_t act_min, act_max;
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t columns;            /* weights per output channel */
  int32_t row_groups;         /* groups of block_rows output channels */
  int32_t common_shifts;      /* every shift is in -23..-1 */
  const int32_t* multiplier;  /* [tables][out_c] */
  const int32_t* bias;        /* [tables][out_c] */
  const int8_t* shift;        /* [tables][out_c], > 0 left, < 0 right */
  const uint8_t* level_table; /* [levels] -> table */
  const uint8_t* counts;
  const uint8_t* indices;
  const int8_t* values;
  const int8_t* dense;   /* all weights of the densest level, or NULL */
  const int32_t* folded; /* vectors and widths: [levels][out_c], dense:
                            [tables][out_c]; or NULL */
  /* What levels of width and of bits need; last, so that it costs the rest no
   * code. Unset where NEST_WIDTHS is 0, but for out_pitch, which bits need too.
   */
  int32_t in_pitch, out_pitch; /* channels of the tensors, pixel to pixel */
  int32_t row_pitch;           /* weights from an output channel to the next */
  int32_t widths;              /* a level has the first channels only: counts */
  int32_t segments;            /* of the input channels, see format.h; of
                                  NEST_PLANES the levels of 4 bits */
  int32_t sets;                /* of the input channels, see format.h */
  int32_t narrowed; /* level + 1, of an op with runs made by nest_narrow */
  uint32_t whole;   /* a bit for each level that runs as the whole op does */
} nest_op;

/* Validates a blob of exactly `bytes` bytes, completely, and fills *op. After
 * NEST_OK the ops below access nothing outside blob, tensors and scratch,
 * whatever bytes the blob holds; after an error *op must not be used. Time is
 * linear in the blob; no scratch. The blob starts at a multiple of 4. */
nest_status nest_open(const void* blob, size_t bytes, nest_op* op);

/* A short English sentence for a status, static storage. */
const char* nest_status_text(nest_status status);

/* Scratch bytes of an op, the same for all levels; aligned for pointers. Below,
 * 24 bytes are 32 on a 64-bit core. An op without levels of bits never takes
 * more than
 *
 *   rows + NEST_SCRATCH_CONSTANT
 *
 * where `rows` are (kernel height + 1) padded input rows as int16: with the
 * height (kernel_h - 1) * dilation_h + 1 of the dilated kernel,
 *
 *   rows = (height + 1) * width * in_c * 2
 *   width = (out_w - 1) * stride_w + (kernel_w - 1) * dilation_w + 1
 *
 * Conv 2D and fully connected: patches of 4 output pixels as int16, 8 *
 * columns; of one, 2 * columns, if the op has one, or if 8 * columns > rows +
 * 4096. Depthwise: 4 * min(out_c, 1024).
 *
 * In the encoding offsets instead, with the second line for one vector:
 *
 *   24 * plans + tiles * band + 24
 *   24 * min(out_c, 32) + 2 * in_c + 24
 *
 * where the band is `height` padded rows as int16, their width rounded up to
 * stride_w, and for 1x1 kernels a tile of 4 pixels (8 for 1x1 blocks); plans
 * are out_c, or 64 where out_c > 128; tiles are 1, but for 1x1 kernels where
 * out_c > 128 the smallest of 8, the tiles of the output, and (rows + 64 * 24 +
 * 2024) / band rounded down.
 *
 * In the encoding vectors the band alone: `height` padded rows as int8, for
 * blocks of 16 columns their width rounded up to stride_w, and for 1x1 kernels
 * a tile of 4 pixels; in_c for one vector. On cores with MVE, but for one
 * vector,
 *
 *   32 * plans + held + 48
 *
 * where plans are min(out_c, 128) rounded up to a multiple of 4, and held is
 * the band and up to 2048 bytes more, but no more than the larger of the band
 * and rows + 768; where out_w < 4 the 128 is 64, and 33 * plans are taken.
 *
 * With a dense top the larger of that and of what the encoding dense takes.
 *
 * On cores with the DSP extension, if common_shifts, also without offsets:
 *
 *   24 * plans + tiles * band + 24 + 12 * kernel_h * kernel_w
 *             dense, in_c a multiple of 4, band at most min(NEST_MAX_BAND, rows
 *             + 1024), kernel_h * kernel_w at most 85
 *   24 * min(out_c, 128) + 13 * (columns rounded up to a multiple of 4)
 *             dense otherwise, if 2 columns or more, the second term at most
 *             rows + 1024
 *   2 * in_c  dense, one vector
 *   24 * min(out_c, 128)
 *             depthwise of depth multiplier 1, out_c 4 or more
 *   fixed + band + n * step
 *             blocks and lists of 1x1, 1x2, 1x4, 1x16, 4x4 or 4x16 with indices
 *             of one byte if left = rows + NEST_SCRATCH_CONSTANT - fixed - band
 *             >= 0; of lists the larger of that and of dense
 *   2 * in_c  the same, one vector
 *
 * where fixed = 24 * 16 + max(1024, pairs) + table + 24: pairs are the decoded
 * entries of the largest row at the densest level that has rings, 6 bytes for
 * each four columns and 4 for 1x2, both an even number of times, and 4 for 1x1;
 * table has 2 bytes for each block in a row, rounded up to 4. The step is that
 * of another output row, stride_h rows of the band, and n as many rows as make
 * 8 tiles with the first; of 1x1 kernels it is the band, and n up to 7 tiles.
 * Not more than the output has, and n * step is at most min(left, 3072).
 *
 * With bits what the encoding dense takes for so many output channels, and
 * their weights of 8 bits, rounded up to a multiple of 8: 16384 / columns
 * channels, rounded down to a multiple of 8 from 8 to 128, but not more than
 * out_c. Those are at most 16384 bytes, or 8 * columns.
 *
 * With widths the most of the levels', each as if it were an op of its own
 * channels, or whole where they save little (nest_find_whole); the table of
 * taps then has 12 * kernel_h * kernel_w bytes for each run of inputs.
 *
 * On cores with the vector extension MVE, dense with folded biases:
 *
 *   0         1x1 kernels, fully connected
 *   columns   one output pixel, or if 3 * columns > rows + 4096
 *   3 * columns
 *   8 * columns + in_c
 *             depthwise of depth multiplier 1, at most 256 columns
 *
 * Where one of these dense kernels fits it, a depthwise op of one input channel
 * and more than one output channel, with at most 1024 weights, takes what that
 * takes, and columns * out_c.
 */
#define NEST_SCRATCH_CONSTANT (128 * (16 + 2 * (int)sizeof(void*)) + 2072)
size_t nest_conv_2d_get_buffer_size(const nest_op* op);
size_t nest_depthwise_conv_2d_get_buffer_size(const nest_op* op);
size_t nest_fully_connected_get_buffer_size(const nest_op* op);

/* Runs one image at a level.
 *   input   int8[in_h][in_w][in_c]
 *   output  int8[out_h][out_w][out_c], must not overlap input
 * Returns NEST_ERROR_LEVEL for a level not in 0..levels-1 and NEST_ERROR_KIND
 * for an op of another kind; the output is then untouched. */
nest_status nest_conv_2d(const nest_op* op, int32_t level, const int8_t* input,
                         int8_t* output, void* scratch);
nest_status nest_depthwise_conv_2d(const nest_op* op, int32_t level,
                                   const int8_t* input, int8_t* output,
                                   void* scratch);
/* The same for in_w vectors: input int8[in_w][in_c], output int8[in_w][out_c].
 */
nest_status nest_fully_connected(const nest_op* op, int32_t level,
                                 const int8_t* input, int8_t* output,
                                 void* scratch);

#ifdef __cplusplus
}
#endif

#endif /* NEST_NEST_H_ */
