/* CMSIS-NN's dense kernels with the signatures of bench_op.h. Only
 * scripts/compare_dense_cmsis_nn builds them. */
#ifndef NEST_BENCH_CMSIS_NN_H_
#define NEST_BENCH_CMSIS_NN_H_

#include "nest/nest.h"

/* Scratch bytes; more than any memory has for an op that is not dense or has
 * several levels. Has to be called before another op is run. */
size_t cmsis_nn_conv_2d_get_buffer_size(const nest_op* op);
size_t cmsis_nn_depthwise_conv_2d_get_buffer_size(const nest_op* op);
size_t cmsis_nn_fully_connected_get_buffer_size(const nest_op* op);

/* As the functions of nest.h; the level has to be 0. */
nest_status cmsis_nn_conv_2d(const nest_op* op, int32_t level,
                             const int8_t* input, int8_t* output,
                             void* scratch);
nest_status cmsis_nn_depthwise_conv_2d(const nest_op* op, int32_t level,
                                       const int8_t* input, int8_t* output,
                                       void* scratch);
nest_status cmsis_nn_fully_connected(const nest_op* op, int32_t level,
                                     const int8_t* input, int8_t* output,
                                     void* scratch);

#endif /* NEST_BENCH_CMSIS_NN_H_ */
