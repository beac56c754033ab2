/* Memory of exactly the bytes asked for: an access outside stops the run.
 *
 * Under the address sanitizer from one array whose rest is poisoned, without
 * the time that malloc takes; else (valgrind) from malloc. */
#ifndef NEST_FUZZ_BUFFERS_H_
#define NEST_FUZZ_BUFFERS_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { NEST_FUZZ_MOST_BYTES = 1 << 19 }; /* of all buffers of a run */

/* `bytes` that start at `skew` behind a multiple of 16. */
void* nest_fuzz_take(size_t bytes, size_t skew);

/* Gives back all that was taken. */
void nest_fuzz_give_back(void);

#ifdef __cplusplus
}
#endif

#endif /* NEST_FUZZ_BUFFERS_H_ */
