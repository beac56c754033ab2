/* What keras_nest/bench writes into the image, one entry a nested op. All
 * members are words, so that an assembler can lay them out. */
#ifndef NEST_BENCH_BENCH_OP_H_
#define NEST_BENCH_BENCH_OP_H_

#include "nest/nest.h"

typedef struct bench_op {
  const uint8_t* blob;
  uint32_t blob_bytes;
  const int8_t* input;
  uint32_t input_step; /* from a level's input to the next one's */
  uint32_t output_bytes;
  const uint32_t* checksums; /* of the right output, [levels] */
  nest_status (*run)(const nest_op* op, int32_t level, const int8_t* input,
                     int8_t* output, void* scratch);
  size_t (*get_buffer_size)(const nest_op* op);
} bench_op;

extern const bench_op bench_ops[];
extern const uint32_t bench_op_count;

#endif /* NEST_BENCH_BENCH_OP_H_ */
