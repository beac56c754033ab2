/* The packed format, version 1: one constant byte array per nested op.
 *
 * Little-endian. A header of 128 bytes, then four sections, each starting at
 * the first multiple of 4 after the one before it; bytes between are zero. A
 * level is an index 0..levels-1, 0 the sparsest; a ring holds the weights that
 * a level adds to the level below it, so level l is rings 0..l.
 *
 *   tables   multiplier int32[tables][out_c], bias int32[tables][out_c],
 *            shift int8[tables][out_c]: requantization, shared by the levels
 *            that header.level_table maps to the same table
 *   counts   entries of each ring, [row groups][rings], or [rings] when
 *            balanced (every row group has the same counts); 1, 2 or 4 bytes
 *            each; in the encodings offsets and vectors 2, and summed up from
 *            ring 0 on
 *   indices  per row group, per ring, per entry: blocks to advance from the
 *            entry before; the first of a ring counts from block 0; 1 or 2
 *            bytes each. Or folded biases, see below
 *   values   int8, see the encodings
 *
 * Weights are a matrix of out_c rows and kernel_h*kernel_w*in_c columns (order
 * ky, kx, channel). A block is block_rows x block_cols of it, a row group
 * block_rows consecutive rows; the last group is filled up with zero rows.
 *
 *   dense    values[rows][columns]: every level has all weights. No counts and
 *            indices. Depthwise ops: values[kernel_h*kernel_w][out_c].
 *   blocks   values[entries][block_rows][block_cols], in the order of indices.
 *            A block whose values are all zero is an escape (advances further
 *            than an index can say) or a filler (makes row groups equal).
 *   lists    values[rows][columns] with the weights of all levels; indices for
 *            rings 0..levels-2 say which blocks the sparser levels use. The
 *            densest level runs over all values. No escapes.
 *   offsets  blocks with the places of their inputs, for speed. No indices;
 *            values[pairs]: each row group's entries in pairs, the last one
 *            filled up with zeros. A pair is two uint16 offsets, then the
 *            values of both blocks: 1x4 and 4x4 one after the other, 1x2
 *            alternating (a0 b0 a1 b1). Of 1x1 blocks, offset and value in
 *            turn, the value as int16.
 *   vectors  offsets for vector instructions, which take the inputs as int8 as
 *            they are: the input zero point is in the folded biases. values[
 *            records], a record being the offsets of so many entries, then the
 *            values of all, row by row: uint16[entries], int8[block_rows]
 *            [entries][block_cols]. Blocks of 16 columns are 2 to a record, of
 * 4 columns 4, of 2 and 1 columns 8. Each row group starts a record, its last
 * one is filled up with zeros.
 *
 * Flags. balanced: see counts. dense top, of offsets and vectors with 2 levels
 * or more: the entries are those of rings 0..levels-2 only (so are the counts);
 * behind them, which end at a multiple of 4, values[rows][columns] of the
 * densest level follow, which runs as in the encoding dense. Where both have a
 * weight they have the same. folded, of dense: the indices section has folded
 * biases.
 *
 * widths, of dense: a level has a prefix of the output channels, and of its
 * inputs those that the counts section names, see below.
 *
 * Folded biases are bias - input_zero_point * (sum of the channel's weights),
 * modulo 2^32, so that sums over the inputs as they are come out right; padding
 * then is input_zero_point. In the encoding vectors they are int32[levels]
 * [out_c], each with the level's own weights; in dense int32[tables][out_c].
 * With widths they are int32[levels][out_c], of the columns up to the level's
 * last active one where the kernel is 1x1, else of all columns; of a depthwise
 * op's channel that a level does not have, as if its bias were 0.
 *
 * Widths. The counts section is, in integers of 2 bytes:
 *
 *   outputs[levels]                   active output channels, 1 to out_c
 *   {start, counts[levels]}[segments] active inputs of a set, from `start` on
 *
 * The input channels are header.sets sets of in_c / sets, one set but for fully
 * connected ops (behind a Flatten there is a set for each pixel); segments are
 * the parts of a set that a Concatenate makes, rising and apart. Numbers do not
 * fall from level to level, and every level has an input. Depthwise ops have no
 * segments: the inputs are those of the outputs, whole depth multiples.
 *
 * The output channels that a level does not have are the output zero point,
 * which lies between the activation bounds. THE INPUTS THAT IT DOES NOT HAVE
 * MUST BE THE INPUT ZERO POINT, as such ops and the builtin ones behind them
 * leave them: a kernel may take them in, as they add nothing.
 *
 * bits, of dense but for depthwise ops: a weight is 16 * upper + lower, the
 * upper part from -7 to 7 and the lower one from -8 to 7. The first
 * header.four_bit_levels levels, 1 or more, have 16 * upper alone; the others
 * have both. The values are a plane of the upper parts, modulo 16, and, if any
 * level is one of the others, a plane of the lower parts, each plus 8. In a
 * plane byte i of each four has part i of 8 in its upper half and part i + 4 in
 * its lower half; behind the last weight they are zero. Folded biases are
 * int32[levels][out_c].
 *
 * The encoding offsets holds blocks of 1x2 and 1x4; where the op has a 1x1
 * kernel and one output pixel 4x4 too, if out_c is a multiple of 4; else 1x1
 * too. An offset is the place, in bytes, of the block's inputs for the first
 * output pixel in a band of padded input rows as int16:
 *
 *   ky * dilation_h * row_bytes + channel / lanes * plane_bytes
 *     + (x % stride_w * phase_width + x / stride_w) * 2 * lanes
 *
 * with lanes = block_cols, x = kx * dilation_w; phase_width the padded width
 * divided by stride_w, rounded up; plane_bytes = stride_w * phase_width * 2 *
 * lanes; row_bytes = in_c / lanes * plane_bytes. Of a 1x1 kernel a plane is 4
 * pixels (8 for 1x1 blocks), or 1 where the op has one output pixel. The band,
 * of (kernel_h - 1) * dilation_h + 1 rows, has at most NEST_MAX_BAND bytes.
 *
 * The encoding vectors holds blocks of 1x16, 1x4, 1x2 and 1x1; where the op has
 * a 1x1 kernel and one output pixel, and out_c is a multiple of 4, 4x16 and 4x4
 * too. Its band is of int8. For blocks of 16 columns it has planes as above,
 * with lanes = 16 and one byte a channel instead of two; of a 1x1 kernel a
 * plane is 4 pixels, or 1. For narrower blocks the rows are as in the input:
 *
 *   ky * dilation_h * row_bytes + kx * dilation_w * in_c + channel
 *
 * with row_bytes = in_c times the padded width (of a 1x1 kernel 4 pixels, or
 * 1).
 */
#ifndef NEST_FORMAT_H_
#define NEST_FORMAT_H_

#define NEST_FORMAT_VERSION 1
#define NEST_HEADER_BYTES 128
#define NEST_MAX_LEVELS 32
#define NEST_MAX_BLOCK_ROWS 4
#define NEST_MAX_BLOCK_COLS 16
/* Of any dimension, of kernel reach and of columns: keeps positions in int32.
 */
#define NEST_MAX_DIM (1 << 24)
#define NEST_MAX_WEIGHTS (1 << 24)
#define NEST_MAX_TENSOR (1 << 30) /* bytes of one image or output */
#define NEST_MAX_BAND (1 << 16)   /* what an offset reaches */

/* Byte offsets in the header; the width is in the name. */
#define NEST_HEADER_MAGIC 0 /* "NEST" */
#define NEST_HEADER_VERSION_U8 4
#define NEST_HEADER_OP_U8 5       /* nest_op_kind */
#define NEST_HEADER_ENCODING_U8 6 /* nest_encoding */
#define NEST_HEADER_LEVELS_U8 7
#define NEST_HEADER_BLOCK_ROWS_U8 8
#define NEST_HEADER_BLOCK_COLS_U8 9
#define NEST_HEADER_INDEX_BYTES_U8 10 /* 0 but for blocks and lists */
#define NEST_HEADER_COUNT_BYTES_U8 11 /* 0 when dense; with widths 2 */
#define NEST_HEADER_FLAGS_U8 12       /* NEST_FLAG_... */
#define NEST_HEADER_TABLES_U8 13      /* distinct requantization tables */
#define NEST_HEADER_INPUT_ZERO_POINT_I8 14
#define NEST_HEADER_OUTPUT_ZERO_POINT_I8 15
#define NEST_HEADER_ACT_MIN_I8 16
#define NEST_HEADER_ACT_MAX_I8 17
#define NEST_HEADER_SEGMENTS_U8 18        /* 0 without widths */
#define NEST_HEADER_FOUR_BIT_LEVELS_U8 19 /* 0 without bits */
#define NEST_HEADER_TOTAL_BYTES_U32 20
#define NEST_HEADER_IN_H_U32 24
#define NEST_HEADER_IN_W_U32 28
#define NEST_HEADER_IN_C_U32 32
#define NEST_HEADER_OUT_H_U32 36
#define NEST_HEADER_OUT_W_U32 40
#define NEST_HEADER_OUT_C_U32 44
#define NEST_HEADER_KERNEL_H_U16 48
#define NEST_HEADER_KERNEL_W_U16 50
#define NEST_HEADER_STRIDE_H_U16 52
#define NEST_HEADER_STRIDE_W_U16 54
#define NEST_HEADER_DILATION_H_U16 56
#define NEST_HEADER_DILATION_W_U16 58
#define NEST_HEADER_PAD_TOP_U16 60
#define NEST_HEADER_PAD_LEFT_U16 62
#define NEST_HEADER_TABLES_OFFSET_U32 64
#define NEST_HEADER_COUNTS_OFFSET_U32 68
#define NEST_HEADER_INDICES_OFFSET_U32 72
#define NEST_HEADER_VALUES_OFFSET_U32 76
#define NEST_HEADER_LEVEL_TABLE_U8 80 /* [32], zero past levels */
#define NEST_HEADER_SETS_U32 112      /* 0 without widths */
#define NEST_HEADER_RESERVED1 116     /* 12 zero bytes */

#define NEST_FLAG_BALANCED 1
#define NEST_FLAG_DENSE_TOP 2
#define NEST_FLAG_FOLDED 4
#define NEST_FLAG_WIDTHS 8
#define NEST_FLAG_BITS 16

#endif /* NEST_FORMAT_H_ */
