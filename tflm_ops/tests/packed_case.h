/* Packed ops of any shape and encoding for the unit tests, written field by
 * field as nest/format.h says: nothing is shared with the kernels. */
#ifndef NEST_TESTS_PACKED_CASE_H_
#define NEST_TESTS_PACKED_CASE_H_

#include <stddef.h>
#include <stdint.h>

/* A square kernel, stride and padding; two levels and one table. */
typedef struct packed_case {
  int op, encoding, flags;
  int block_rows, block_cols;
  int in_h, in_w, in_c;
  int out_h, out_w, out_c;
  int kernel, stride, pad;
  int shift; /* of all channels */
} packed_case;

#define CASE_INPUT_ZERO_POINT (-7)
#define CASE_OUTPUT_ZERO_POINT 3
#define CASE_ACT_MIN (-100)
#define CASE_ACT_MAX 127

/* Weights of an output channel. */
int case_columns(const packed_case* c);

/* The weight at a column of an output channel at a level, 0 where it is not
 * active; dense ops have the same at both levels. */
int case_weight(const packed_case* c, int channel, int column, int level);
int32_t case_bias(int channel);
int32_t case_multiplier(int channel);

/* Writes the packed op to `blob`, a multiple of 4; the bytes it took. The
 * caller knows that they fit. */
size_t case_pack(const packed_case* c, uint8_t* blob);

#endif /* NEST_TESTS_PACKED_CASE_H_ */
