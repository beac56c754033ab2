/* The dense convolution by the direct scheme (Cortex-M4 and later). */
#ifndef NEST_SRC_DENSE_H_
#define NEST_SRC_DENSE_H_

#include "../direct.h"

/* Elsewhere the portable kernel is faster; tests turn it on. */
#ifndef NEST_DIRECT_DENSE
#if defined(__ARM_FEATURE_DSP)
#define NEST_DIRECT_DENSE 1
#else
#define NEST_DIRECT_DENSE 0
#endif
#endif

/* Taps of a kernel, at most, times runs of active inputs: their table takes 12
 * bytes of scratch each. */
#define NEST_MAX_TAPS 85

/* Inputs of a tap that lie side by side; the assembly relies on the order. */
typedef struct nest_dense_tap {
  int32_t quads;  /* of input channels, 1 or more */
  int32_t offset; /* of the inputs */
  int32_t skip;   /* weights from the end of the tap before to these */
} nest_dense_tap;

/* What the dense row kernel has beside nest_tile; the assembly relies on the
 * order of both. nest_row.stream are the row's weights. */
typedef struct nest_dense_tile {
  nest_tile tile;
  const nest_dense_tap* taps; /* in the order ky, kx */
  const nest_dense_tap* taps_end;
  int32_t plane_step; /* from the end of four pixels to the next plane */
} nest_dense_tile;

/* All rows of a tile; saturated to int8 only. */
void nest_rows_dense(const nest_dense_tile* tile);

/* Where the channels are no multiples of 4, or the band would be too large: the
 * patches of four pixels are expanded as if they were the channels of a 1x1
 * kernel. Many rows are planned in parts, with the patches made again. */
static inline int32_t nest_patch_plans(const nest_op* op) {
  return op->out_c < NEST_MAX_PLANS ? op->out_c : NEST_MAX_PLANS;
}

/* Bytes of the patches, beside the plans. */
static inline int64_t nest_patch_bytes(const nest_op* op) {
  return (int64_t)(3 * NEST_TILE + 1) * ((op->columns + 3) / 4 * 4);
}

/* What they may have beyond the rows of nest_scratch_rows. */
#define NEST_PATCH_SPARE 1024

/* Scratch bytes of nest_run_dense_patches. */
static inline size_t nest_dense_patches_buffer_size(const nest_op* op) {
  return (size_t)nest_patch_plans(op) * sizeof(nest_row) +
         (size_t)nest_patch_bytes(op);
}

/* Whether the op has a band, or else can have patches. */
NEST_COLD int nest_has_dense_band(const nest_op* op);
static inline int nest_has_dense_patches(const nest_op* op) {
  /* Of a single column, the row before the last would end too early. */
  return op->columns > 1 &&
         nest_patch_bytes(op) <= nest_scratch_rows(op) + NEST_PATCH_SPARE;
}

/* Whether the direct scheme is in use and fits the op; the other two are for
 * ops that it fits. */
NEST_COLD int nest_is_direct_dense(const nest_op* op);

/* Scratch bytes of nest_run_dense. */
NEST_COLD size_t nest_dense_buffer_size(const nest_op* op);

/* A level that runs as in the encoding dense, one image or vector. */
NEST_AROUND void nest_run_dense(const nest_op* op, int32_t level,
                                const int8_t* input, int8_t* output,
                                void* scratch);

/* The same without a band. */
void nest_run_dense_patches(const nest_op* op, int32_t level,
                            const int8_t* input, int8_t* output, void* scratch);

/* The same where the op is a matrix times one vector. */
void nest_run_dense_vector(const nest_op* op, int32_t level,
                           const int8_t* input, int8_t* output, void* scratch);

/* acc[4] += four rows of weights, row_step bytes apart, times the expanded
 * inputs of 4 * quads channels; quads is 1 or more. */
void nest_sum_four_rows(const int8_t* weights, int32_t row_step,
                        const uint8_t* inputs, int32_t quads, int32_t* acc);

#endif /* NEST_SRC_DENSE_H_ */
