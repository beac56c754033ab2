/* What every target does with a blob before anything runs. */
#ifndef NEST_FUZZ_OPEN_OP_H_
#define NEST_FUZZ_OPEN_OP_H_

#include "nest/nest.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef nest_status (*nest_fuzz_kernel)(const nest_op*, int32_t, const int8_t*,
                                        int8_t*, void*);

/* Opens a blob of exactly `size` bytes; the scratch of a valid one is within
 * the bound that nest.h states. */
nest_status nest_fuzz_open(const uint8_t* blob, size_t size, nest_op* op);

/* The kernel of a valid op, and its scratch bytes. */
nest_fuzz_kernel nest_fuzz_kernel_of(const nest_op* op, size_t* scratch);

#ifdef __cplusplus
}
#endif

#endif /* NEST_FUZZ_OPEN_OP_H_ */
