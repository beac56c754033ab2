/* The encoding vectors: the direct scheme on inputs that stay int8.
 *
 * The band has the input as it is, padded with the input zero point, which the
 * folded biases account for; so the kernels multiply int8 by int8. Its tiles
 * are of 4, 2 or 1 neighbouring output pixels. */
#ifndef NEST_SRC_VECTORS_H_
#define NEST_SRC_VECTORS_H_

#include "../direct.h"

/* Scratch bytes of nest_run_vectors. */
NEST_COLD size_t nest_vectors_buffer_size(const nest_op* op);

/* A sparse level of an op of the encoding vectors, one image or vector. */
void nest_run_vectors(const nest_op* op, int32_t level, const int8_t* input,
                      int8_t* output, void* scratch);

/* All channels of the `pixels` pixels of a tile, 4, 2 or 1, whose inputs are
 * layout->step_bytes apart, and whose outputs op->out_c; tile->rows is NULL.
 * Clamped to int8 at least. Reads no input behind the last pixel's. */
NEST_RARE void nest_rows_vectors(const nest_op* op, int32_t level,
                                 const nest_layout* layout,
                                 const nest_tile* tile, int32_t pixels);

/* acc[pixels] += the entries of a row group at `stream` times the inputs, for
 * one of its rows; modulo 2^32. */
NEST_RARE void nest_sum_vectors(const nest_op* op, const uint8_t* stream,
                                uint32_t entries, int32_t row_in_group,
                                const uint8_t* inputs, int32_t step_bytes,
                                int32_t pixels, int32_t* acc);

#endif /* NEST_SRC_VECTORS_H_ */
