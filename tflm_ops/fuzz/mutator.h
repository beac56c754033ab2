/* The mutator that the targets of packed ops share. */
#ifndef NEST_FUZZ_MUTATOR_H_
#define NEST_FUZZ_MUTATOR_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* libFuzzer's own. */
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

/* Changes a packed op in place and returns its new size, at most max_size. */
size_t nest_fuzz_mutate(uint8_t* data, size_t size, size_t max_size,
                        unsigned int seed);

#ifdef __cplusplus
}
#endif

#endif /* NEST_FUZZ_MUTATOR_H_ */
