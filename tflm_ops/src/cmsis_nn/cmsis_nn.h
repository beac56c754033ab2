/* CMSIS-NN's dense kernels in place of our portable ones, in firmware that has
 * them: with -DNEST_USE_CMSIS_NN=1 and CMSIS-NN's include folder on the
 * compiler's path. Our own kernels for the DSP extension and MVE take fewer
 * instructions (Cortex-M4 and M55), so they stay, and so does the portable one
 * for one vector (M3). The scratch memory then is what CMSIS-NN asks for and
 * 4 * out_c, if that is more. */
#ifndef NEST_SRC_CMSIS_NN_H_
#define NEST_SRC_CMSIS_NN_H_

#include "../internal.h"

#ifndef NEST_USE_CMSIS_NN
#define NEST_USE_CMSIS_NN 0
#endif

/* Scratch bytes of nest_run_cmsis_nn; 0 for an op that it never runs. */
size_t nest_cmsis_nn_buffer_size(const nest_op* op);

/* A level that runs as in the encoding dense, one image. 0 if the op is not for
 * CMSIS-NN, or CMSIS-NN refuses it; the output then counts for nothing. */
int nest_run_cmsis_nn(const nest_op* op, int32_t level, const int8_t* input,
                      int8_t* output, void* scratch);

#endif /* NEST_SRC_CMSIS_NN_H_ */
