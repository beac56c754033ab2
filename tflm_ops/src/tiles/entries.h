/* The entries of one row at one level, in the encodings blocks and lists, and
 * the kernels that sum them up. */
#ifndef NEST_SRC_TILES_ENTRIES_H_
#define NEST_SRC_TILES_ENTRIES_H_

#include "../internal.h"

typedef struct nest_entries {
  const uint8_t* counts; /* of ring 0 */
  int32_t count_bytes;
  int32_t rings;          /* those of the level */
  const uint8_t* indices; /* of ring 0 */
  /* Blocks: the row's weights in the first entry; lists: in the first block of
   * its columns. */
  const int8_t* values;
  size_t step;            /* blocks: values from an entry to the next */
  const int16_t* patches; /* [columns][tile], zero point subtracted */
} nest_entries;

/* acc[tile] += the row's weights times the patches. */
typedef void nest_entries_kernel(const nest_entries* entries, int32_t* acc);

#if !defined(__ARM_FEATURE_DSP)
/* Kernels for blocks of 1, 2, 4 and 16 columns. Blocks of 1 and 2 columns have
 * one row. */
nest_entries_kernel* nest_find_entries_1(int lists, int32_t index_bytes,
                                         int32_t tile);
nest_entries_kernel* nest_find_entries_2(int lists, int32_t index_bytes,
                                         int32_t tile);
nest_entries_kernel* nest_find_entries_4(int lists, int32_t index_bytes,
                                         int32_t tile);
nest_entries_kernel* nest_find_entries_16(int lists, int32_t index_bytes,
                                          int32_t tile);
#endif

/* The kernel for an op's blocks, or NULL: nest_sum_any_entries it is. */
nest_entries_kernel* nest_find_entries(const nest_op* op, int32_t tile);

/* The same for any block and tile, slow. */
NEST_RARE void nest_sum_any_entries(const nest_op* op,
                                    const nest_entries* entries, int32_t tile,
                                    int32_t* acc);

#endif /* NEST_SRC_TILES_ENTRIES_H_ */
