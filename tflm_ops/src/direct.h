/* The direct kernels: the encoding "offsets", and what it shares with others.
 *
 * The input is expanded once, a band of rows at a time, into planes of int16
 * that padding is part of; every block carries the offset of its inputs for the
 * first output pixel of the band, and the inputs of the next pixels follow. So
 * there is no im2col and no index arithmetic: a block costs one addition, the
 * loads of its inputs and its multiplications.
 *
 * The assembly loads words from addresses that are no multiples of 4 (inputs,
 * and single channels' pixels), as compilers for these cores do: UNALIGN_TRP is
 * 0.
 *
 * The expanded values are 2 * (input - zero point), and biases are doubled: the
 * requantization doubles the accumulator, and here that is for nothing. */
#ifndef NEST_SRC_DIRECT_H_
#define NEST_SRC_DIRECT_H_

#include "vectors/stream.h"

/* Output rows whose plans are made at a time for a single vector. */
#define NEST_VECTOR_ROWS 32

/* Output channels of an op that are planned once; where it has more, they are
 * planned in parts, again for each band of rows, so that scratch stays small.
 */
#define NEST_MAX_PLANS 128
#define NEST_PART_CHANNELS 64
static inline int32_t nest_plans(const nest_op* op) {
  return op->out_c <= NEST_MAX_PLANS ? op->out_c : NEST_PART_CHANNELS;
}

/* What a band may have beyond the rows of nest_scratch_rows. */
#define NEST_BAND_SPARE 1024

/* Bytes after the band that the last tile of a row reads and ignores: three
 * pixels of four channels, or seven of one. */
#define NEST_BAND_SLACK 24

/* Pixels of a tile; of single weights, twice as many. */
#define NEST_MAX_TILE (2 * NEST_TILE)

/* Where the inputs lie: plane after plane of `lanes` adjacent channels, row
 * after row. A plane holds phases * phase_width pixels of a padded row, sorted
 * by their remainder modulo the phases; a pixel's lanes are adjacent, for four
 * of them as int16 in the order 0 2 1 3. */
typedef struct nest_layout {
  int32_t lanes;
  int32_t value_bytes; /* 2: expanded to int16; 1: int8 as in the input */
  int32_t padding;     /* what the bytes of the padding are */
  int32_t tile;        /* output pixels of a tile at most */
  int32_t phases;
  int32_t phase_width;
  int32_t pixel_bytes; /* of a pixel in a plane */
  int32_t step_bytes;  /* from an output pixel's inputs to the next one's */
  int32_t plane_bytes;
  int32_t row_bytes;
  int32_t rows;
  int32_t strip_rows; /* output rows that the band is for, 1 or more */
  int32_t held;       /* tiles of a 1x1 kernel that are expanded together */
} nest_layout;

/* One output channel at one level, as the row kernels want it. */
typedef struct nest_row {
  const uint8_t* stream; /* pairs of entries */
  int32_t entries;
  int32_t bias; /* doubled */
  int32_t multiplier;
  int32_t half;  /* half a unit of the output and its zero point, see below */
  int32_t shift; /* to the right, 1 or more */
} nest_row;

/* Four or eight neighbouring output pixels, all channels; or one vector. */
typedef struct nest_tile {
  const uint8_t* inputs;
  const nest_row* rows;
  int8_t* output;
  int8_t* end;   /* output + the number of channels */
  int32_t step1; /* bytes from pixel 0 to 1, and 2 to 3; 0: one pixel only */
  int32_t step2; /* bytes from pixel 0 to 2; 0: pixels 2 and 3 do not count */
} nest_tile;

/* One op at one level on its way through its tiles, a part of the channels at a
 * time: `channels` of them from `first` on, both 0 at the start. Without plans
 * channels is out_c from the start on, rows and plan are NULL. A plan of all
 * channels stays. */
typedef struct nest_walk nest_walk;
struct nest_walk {
  const nest_op* op;
  const nest_layout* layout;
  int32_t level;
  int32_t first, channels;
  nest_row* rows; /* nest_plans(op) of them, those of the part */
  /* Plans the part; may take fewer channels than asked for, at least one. */
  void (*plan)(nest_walk* walk);
  const uint8_t* stream; /* for plan: where the next part's begins */
  /* Computes the first `pixels` pixels of a tile. */
  void (*visit)(const nest_walk* walk, const nest_tile* tile, int32_t pixels);
  const void* context; /* for plan and visit */
};

/* Expands the input into `inputs`, held * rows * row_bytes bytes, visits all
 * tiles, clamps the output. */
void nest_walk_tiles(nest_walk* walk, const int8_t* input, int8_t* output,
                     uint8_t* inputs);

/* Visits the part's channels of a row of pixels whose inputs lie side by side
 * from `inputs` on. */
void nest_visit_row(const nest_walk* walk, const uint8_t* inputs,
                    int32_t pixels, int8_t* output);

/* Tiles of a 1x1 kernel that are expanded together, so that planning their
 * channels in parts costs less; 1 where these are planned once. */
NEST_COLD int32_t nest_tiles_held(const nest_op* op, const nest_layout* layout);

/* Bytes of the plans, the band or the tiles held, and the slack. */
NEST_COLD size_t nest_walk_buffer_size(const nest_op* op,
                                       const nest_layout* layout);

/* Whether the op is a matrix times one vector. */
static inline int nest_is_vector(const nest_op* op) {
  return op->kernel_h == 1 && op->kernel_w == 1 && op->out_h == 1 &&
         op->out_w == 1;
}

/* Shifts that the sums of nest_requantize_doubled stay in range for. */
static inline int nest_is_common_shift(int32_t shift) {
  return -23 <= shift && shift <= -1;
}

/* acc / 2^32 * multiplier rounded to nearest (halves up), then a right shift
 * rounded to nearest (halves away from zero), the output zero point added and
 * saturated to int8: the double rounding of nest_requantize for a doubled acc.
 *
 * `half` is (1 << (shift - 1)) + (zero point << shift). Away from zero means
 * one less than half where the product is negative; that is where acc and
 * multiplier differ in sign. It is also applied where the product rounds to
 * zero, and changes nothing there. shift is in 1..23: no sum overflows. */
static inline int8_t nest_requantize_doubled(int32_t acc, const nest_row* row) {
  const int32_t sign = acc < 0 ? -1 : 0;
  const int32_t half =
      row->multiplier < 0 ? row->half - 1 - sign : row->half + sign;
#if defined(__ARM_FEATURE_DSP)
  /* SMMLAR d, a, b, c: d = (a * b + (c << 32) + (1 << 31)) >> 32 */
  __asm__(
      "smmlar %0, %0, %1, %2\n\t"
      "asr %0, %3\n\t"
      "ssat %0, #8, %0"
      : "+r"(acc)
      : "r"(row->multiplier), "r"(half), "r"(row->shift));
  return (int8_t)acc;
#else
  const int64_t product = (int64_t)acc * row->multiplier;
  const int64_t high =
      product + ((int64_t)1 << 31) + (int64_t)half * ((int64_t)1 << 32);
  const int64_t value =
      high >= 0 ? high >> (32 + row->shift) : ~(~high >> (32 + row->shift));
  if (value < -128) return -128;
  return (int8_t)(value > 127 ? 127 : value);
#endif
}

/* The layout of op's inputs as int16, `lanes` channels to a plane, which divide
 * in_c; 0 where it exceeds what an offset reaches, or nest_scratch_rows by more
 * than NEST_BAND_SPARE: strides that round narrow rows up, 1x1 kernels on
 * images narrower than a tile. */
NEST_COLD int nest_find_layout(const nest_op* op, int32_t lanes,
                               nest_layout* layout);

/* The same as int8, for entries of `cols` columns: for 16 planes of 16
 * channels, else rows as in the input. */
NEST_COLD int nest_find_byte_layout(const nest_op* op, int32_t cols,
                                    nest_layout* layout);

/* Bytes that nest_run_direct needs. */
NEST_COLD size_t nest_direct_buffer_size(const nest_op* op);

/* A sparse level of an op of the encoding offsets, one image or vector. */
NEST_AROUND void nest_run_direct(const nest_op* op, int32_t level,
                                 const int8_t* input, int8_t* output,
                                 void* scratch);

/* The same for an op of one output pixel and a 1x1 kernel. */
void nest_run_vector(const nest_op* op, int32_t level, const int8_t* input,
                     int8_t* output, void* scratch);

/* The tables' part of the plans of `channels` output channels from `first` on;
 * shift is 0 where it is no common one. */
void nest_plan_channels(const nest_op* op, int32_t level, int32_t first,
                        int32_t channels, nest_row* rows);

/* Plans of the rows of `groups` row groups from `first` on; *stream is that of
 * the first and moves past the last. */
void nest_plan_rows(const nest_op* op, int32_t level, int32_t first,
                    int32_t groups, const uint8_t** stream, nest_row* rows);

/* The channels of one pixel into their planes; `to` is the pixel's place in the
 * first plane. */
void nest_expand_pixel(const nest_op* op, const nest_layout* layout,
                       const int8_t* from, uint8_t* to);

/* The same for `pixels` pixels, `pitch` bytes apart, side by side in a plane.
 */
void nest_expand_pixels(const nest_op* op, const nest_layout* layout,
                        const int8_t* from, int32_t pitch, int32_t pixels,
                        uint8_t* to);

/* The same for two pixels side by side: one channel to a plane, in_c in
 * multiples of 4. */
void nest_expand_two_pixels(const nest_op* op, const nest_layout* layout,
                            const int8_t* from, int32_t pitch, uint8_t* to);

/* For a layout of int8: the same for one pixel. */
NEST_RARE void nest_copy_pixel(const nest_op* op, const nest_layout* layout,
                               const int8_t* from, uint8_t* to);

/* What brings a pixel into the layout. */
typedef void (*nest_pixel)(const nest_op* op, const nest_layout* layout,
                           const int8_t* from, uint8_t* to);
static inline nest_pixel nest_pixel_of(const nest_layout* layout) {
  return layout->value_bytes == 1 ? nest_copy_pixel : nest_expand_pixel;
}

/* The band of input rows that layout->strip_rows output rows from oy on need;
 * call for oy = 0, strip_rows, 2 * strip_rows, ... */
NEST_AROUND void nest_slide_band(const nest_op* op, const nest_layout* layout,
                                 const int8_t* input, int32_t oy,
                                 uint8_t* band);

/* A visit of entries, by the block's row kernel. */
void nest_visit_entries(const nest_walk* walk, const nest_tile* tile,
                        int32_t pixels);

/* acc[tile] of one row: bias and the products of all entries. */
NEST_RARE void nest_sum_row(const nest_op* op, const nest_row* row,
                            int32_t row_in_group, int32_t tile,
                            const uint8_t* inputs, int32_t* acc);

/* All rows of a tile by nest_requantize_doubled, saturated to int8 only. Rows
 * whose shift is 0 get any value. The assembly does not need op. */
void nest_rows_1x2(const nest_tile* tile, const nest_op* op);
void nest_rows_1x4(const nest_tile* tile, const nest_op* op);

/* The same for eight pixels; step4 is the bytes from pixel 0 to 4, or 0. */
void nest_rows_1x1(const nest_tile* tile, int32_t step4, const nest_op* op);

/* The three above in C, for any block and number of pixels. */
NEST_RARE void nest_rows_portable(const nest_op* op, const nest_tile* tile,
                                  int32_t pixels, int32_t step4);

/* The rows of a tile whose shift is 0, or `all` of them, by the general
 * requantization. */
NEST_RARE void nest_redo_rows(const nest_op* op, int32_t level,
                              const nest_tile* tile, int32_t first,
                              int32_t pixels, int all);

/* Clamps all outputs to the op's activation bounds. */
void nest_clamp(const nest_op* op, int8_t* output, size_t bytes);

#endif /* NEST_SRC_DIRECT_H_ */
