/* The encodings blocks and lists by the direct scheme (Cortex-M4 and later):
 * some rows of weights at a time are decoded into pairs as in the encoding
 * offsets, then the row kernels of that encoding compute a strip of pixels. A
 * row is decoded once per strip, so that several tiles share the cost. */
#ifndef NEST_SRC_DECODE_H_
#define NEST_SRC_DECODE_H_

#include "../direct.h"

/* Elsewhere the portable kernel is faster; tests turn it on. */
#ifndef NEST_DECODE
#if defined(__ARM_FEATURE_DSP)
#define NEST_DECODE 1
#else
#define NEST_DECODE 0
#endif
#endif

/* Rows that are decoded at a time, if the pairs of so many fit. */
#define NEST_DECODED_ROWS 16

/* Bytes for pairs, if a row has no more. */
#define NEST_DECODED_STREAM 1024

/* Tiles that share the decoding, if their inputs beyond those of one output row
 * or tile take at most so many bytes. */
#define NEST_DECODED_TILES 8
#define NEST_DECODED_INPUTS 3072

/* A row group of an op at a level. */
typedef struct nest_group {
  const uint8_t* indices;
  const int8_t* values;
  const uint8_t* next_counts;       /* in the blob */
  int32_t rings;                    /* of the level */
  int32_t row;                      /* the next one to be decoded */
  uint32_t entries;                 /* of the level */
  uint32_t all_entries;             /* of the densest one that has rings */
  uint32_t counts[NEST_MAX_LEVELS]; /* entries of each of the rings */
} nest_group;

/* One op at one level while its rows are decoded. */
typedef struct nest_decoder {
  const nest_op* op;
  nest_op pairs;           /* op with the encoding and blocks of its pairs */
  int32_t parts;           /* pairs' entries of an entry */
  int32_t plane_bytes;     /* from one part's inputs to the next one's */
  const uint16_t* offsets; /* of each block in a row */
  uint8_t* stream;         /* pairs */
  const uint8_t* last;     /* where the pairs of a row may begin at most */
  nest_group group;
} nest_decoder;

/* Whether the direct scheme is in use and fits the op and the bound of its
 * scratch; the others are for ops that it fits. */
NEST_COLD int nest_is_decoded(const nest_op* op);

/* The layout of the op's inputs, for more than one vector. */
NEST_COLD void nest_find_decoded_layout(const nest_op* op, nest_layout* layout);

/* Entries of any row group at a level that has rings, at most. */
NEST_AROUND uint32_t nest_most_entries(const nest_op* op, int32_t level);

/* Bytes of the pairs of one row. */
static inline size_t nest_decoded_bytes(const nest_op* op, uint32_t entries) {
  const size_t cols = (size_t)op->block_cols;
  if (cols == 1) return 4 * (size_t)entries;
  if (cols == 2) return ((size_t)entries + 1) / 2 * 8;
  return (entries * (cols / 4) + 1) / 2 * 12;
}

/* Bytes for the pairs of some rows, and of the offsets of a row's blocks. */
NEST_COLD size_t nest_decoded_stream_bytes(const nest_op* op);
static inline size_t nest_decoded_table_bytes(const nest_op* op) {
  return (size_t)(op->columns / op->block_cols + 1) / 2 * 4;
}

/* Scratch bytes of nest_run_decoded without the inputs; with them. */
NEST_COLD size_t nest_decoded_fixed_bytes(const nest_op* op);
NEST_COLD size_t nest_decoded_buffer_size(const nest_op* op);

/* An op of the encoding blocks or lists at a level that has rings. */
NEST_AROUND void nest_run_decoded(const nest_op* op, int32_t level,
                                  const int8_t* input, int8_t* output,
                                  void* scratch);

/* The same where the op is a matrix times one vector. */
void nest_run_decoded_vector(const nest_op* op, int32_t level,
                             const int8_t* input, int8_t* output,
                             void* scratch);

/* The rings of one row of a group, for a kernel in assembly, which relies on
 * the order. */
typedef struct nest_row_rings {
  const uint8_t* indices;
  const int8_t* values;
  union {
    const uint16_t* offsets; /* of each block */
    const uint8_t* inputs;   /* of one vector, expanded */
  } from;
  const uint32_t* counts; /* entries of each ring */
  const uint32_t* end;    /* of the counts */
  union {
    const int8_t* first; /* lists: the row's values */
    size_t step;         /* blocks: from an entry's values to the next one's */
  } row;
  int32_t more; /* decoding 1x16: plane_bytes; one row: what its products are
                   added to; 4x4: values from one row to the next */
  void* to;     /* decoding: pairs; 4x4: the four sums */
} nest_row_rings;

#if defined(__ARM_FEATURE_DSP)
/* The entries of a row as pairs; `cols` is 1, 2, 4 or
 * 16. In C it is nest_decode_row's. */
NEST_AROUND void nest_decode_rings(const nest_row_rings* rings, int lists,
                                   int32_t cols);

/* rings->more and the products of one row's entries, for blocks of 1, 2, 4 or
 * 16 columns. In C it is nest_sum_group's. */
typedef int32_t (*nest_sum_kernel)(const nest_row_rings* rings);
NEST_AROUND nest_sum_kernel nest_find_sum_kernel(int lists, int32_t cols);

/* The same for four rows of 4x4 blocks at a time. */
void nest_sum_four_by_four(const nest_row_rings* rings, int lists);
#endif

/* acc[block_rows] += the group's weights times the expanded inputs of one
 * vector. */
void nest_sum_group(const nest_op* op, const nest_group* group,
                    const uint8_t* inputs, int32_t* acc);

/* Before the first row group at a level; then each of them in turn. */
void nest_start_groups(const nest_op* op, int32_t level, nest_group* group);
NEST_AROUND void nest_next_group(const nest_op* op, nest_group* group);

/* Decodes the next row of the group into pairs from `to` on; the number of
 * entries. */
NEST_AROUND int32_t nest_decode_row(const nest_decoder* decoder,
                                    nest_group* group, uint8_t* to);

#endif /* NEST_SRC_DECODE_H_ */
