/* The encoding vectors on cores with MVE (Cortex-M55), in assembly.
 *
 * VMLADAV multiplies 16 weights by 16 inputs and adds the products to a sum in
 * a core register. A tile is four neighbouring output pixels: an entry is
 * loaded once and multiplied four times. Their sums are requantized as one
 * vector, and the results of four channels stored as one, a word a pixel. */
#ifndef NEST_SRC_MVE_H_
#define NEST_SRC_MVE_H_

#include "../vectors/vectors.h"

#if defined(__ARM_FEATURE_MVE)

/* Plans in scratch, a multiple of 4, so many at a time for more channels; fewer
 * where rows of pixels are shorter than a tile, as those bands may be larger.
 */
static inline int32_t nest_mve_plans(const nest_op* op) {
  const int32_t most = op->out_w < NEST_TILE ? 64 : 128;
  return op->out_c < most ? (op->out_c + 3) / 4 * 4 : most;
}

/* Bytes, a multiple of 4, for the outputs of the pixels by which an image is
 * smaller than a tile. */
static inline int32_t nest_mve_unused(const nest_op* op) {
  return op->out_w < NEST_TILE ? nest_mve_plans(op) : 0;
}

/* Of scratch, how much more of the input is held than an op needs at least, so
 * that the rows of a band are not moved for each output row, and the kernel is
 * not called for each tile of a 1x1 convolution: at most so many bytes more,
 * and at most so many more than nest_scratch_rows. */
#define NEST_MVE_SPARE 2048
#define NEST_MVE_SPARE_ROWS 768

/* Bytes behind the inputs that a tile of fewer than four pixels reads. */
#define NEST_MVE_SLACK 48

/* One output channel at one level, and the registers it is loaded into. */
typedef struct nest_mve_row {
  int32_t bias0;         /* r0, folded; the sums of the four pixels */
  const uint8_t* stream; /* r1 */
  int32_t bias1;         /* r2, the same */
  int32_t multiplier;    /* r3 */
  int32_t bias2;         /* r4 */
  int32_t bias3;         /* r6 */
  int32_t shift;         /* r12 */
  int32_t entries;       /* lr */
} nest_mve_row;

/* Tiles side by side, and some channels of them; the assembly relies on the
 * order. Outputs are addresses: those behind a pixel's last channel. */
typedef struct nest_mve_tiles {
  uint32_t outputs[4];      /* of the first tile's pixels */
  int32_t least[4];         /* 16: act_min, in each byte or word */
  int32_t most[4];          /* 32: act_max */
  const nest_mve_row* rows; /* 48 */
  int32_t channels;         /* 52: as a negative number */
  int32_t zero_point;       /* 56 */
  int32_t count;            /* 60 */
  int32_t output_step;      /* 64: bytes from one tile to the next */
  int32_t input_step;       /* 68 */
  const int8_t* inputs[4];  /* 72: of the first tile's pixels */
} nest_mve_tiles;

typedef void nest_mve_kernel(const nest_mve_tiles* tiles);

/* Four rows at a time, which are channels 0 2 1 3; all shifts are to the right,
 * by 1 or more; outputs are multiples of 4, bounds are bytes. */
nest_mve_kernel nest_mve_rows_1x16;
nest_mve_kernel nest_mve_rows_1x4;
nest_mve_kernel nest_mve_rows_1x2;
nest_mve_kernel nest_mve_rows_1x1;

/* A row at a time, any shifts and outputs; bounds are words. */
nest_mve_kernel nest_mve_any_1x16;
nest_mve_kernel nest_mve_any_1x4;
nest_mve_kernel nest_mve_any_1x2;
nest_mve_kernel nest_mve_any_1x1;

/* Plans of `channels` channels from `first` on; *stream is that of the first
 * and moves past the last. By fours in the order 0 2 1 3 if `in_fours`; what
 * fills up the last four is undefined. */
void nest_mve_plan_rows(const nest_op* op, int32_t level, int32_t first,
                        int32_t channels, int in_fours, const uint8_t** stream,
                        nest_mve_row* rows);

/* `pixels` pixels, `pitch` bytes apart, side by side into their planes; four of
 * them are `to_step` bytes from the next four. */
void nest_mve_copy_pixels(const nest_op* op, const nest_layout* layout,
                          const int8_t* from, int32_t pitch, int32_t pixels,
                          uint8_t* to, int32_t to_step);

/* Rows of input that are held, or tiles of a 1x1 kernel. */
int32_t nest_mve_held(const nest_op* op, const nest_layout* layout);

/* Four output channels at a time of a matrix times one vector; the assembly
 * relies on the order. */
typedef struct nest_mve_vector {
  const uint8_t* stream;     /* r1 */
  const int8_t* inputs;      /* r5 */
  const uint8_t* counts;     /* r8: of the first row group, at the level */
  int32_t record_bytes;      /* r10 */
  int32_t step;              /* r11: bytes from a group's counts to the next */
  int32_t to_total;          /* r12: bytes from the level's count to the last */
  int32_t zero_point;        /* 24 */
  int32_t least;             /* 28 */
  int32_t most;              /* 32 */
  const int32_t* folded;     /* 36 */
  const int32_t* multiplier; /* 40 */
  const int8_t* shift;       /* 44 */
  int8_t* output;            /* 48 */
  const int8_t* end;         /* 52: of output, a multiple of 4 behind it */
} nest_mve_vector;

/* Shifts are to the right. Returns the stream behind the last row. */
typedef const uint8_t* nest_mve_vector_kernel(const nest_mve_vector* vector);
nest_mve_vector_kernel nest_mve_vector_1x16;
nest_mve_vector_kernel nest_mve_vector_1x4;
nest_mve_vector_kernel nest_mve_vector_1x2;
nest_mve_vector_kernel nest_mve_vector_1x1;
nest_mve_vector_kernel nest_mve_vector_4x16;
nest_mve_vector_kernel nest_mve_vector_4x4;

/* The same of balanced ops: `counts` is the entries of a row group at the
 * level, and `record_bytes` the bytes of a row group. */
nest_mve_vector_kernel nest_mve_balanced_1x16;
nest_mve_vector_kernel nest_mve_balanced_1x4;
nest_mve_vector_kernel nest_mve_balanced_1x2;
nest_mve_vector_kernel nest_mve_balanced_1x1;
nest_mve_vector_kernel nest_mve_balanced_4x16;
nest_mve_vector_kernel nest_mve_balanced_4x4;

/* nest_run_vectors and nest_vectors_buffer_size. */
void nest_mve_run(const nest_op* op, int32_t level, const int8_t* input,
                  int8_t* output, void* scratch);
size_t nest_mve_buffer_size(const nest_op* op);

/* An op of one output pixel and a 1x1 kernel. */
void nest_mve_run_vector(const nest_op* op, int32_t level, const int8_t* input,
                         int8_t* output, void* scratch);

/* Fills, and copies to lower addresses, where the ranges may overlap. */
static inline void nest_mve_fill(uint8_t* to, int32_t value, int32_t bytes) {
  __asm__ volatile(
      "vdup.8 q0, %2\n\t"
      "wlstp.8 lr, %1, 2f\n"
      "1:\n\t"
      "vstrb.8 q0, [%0], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : "+r"(to)
      : "r"(bytes), "r"(value)
      : "q0", "lr", "memory");
}
static inline void nest_mve_copy(uint8_t* to, const void* from, int32_t bytes) {
  __asm__ volatile(
      "wlstp.8 lr, %2, 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%1], #16\n\t"
      "vstrb.8 q0, [%0], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : "+r"(to), "+r"(from)
      : "r"(bytes)
      : "q0", "lr", "memory");
}

#endif

#endif /* NEST_SRC_MVE_H_ */
