/* libFuzzer target: any bytes are opened or refused. Nothing runs, so this is
 * the fast one. */
#include "check.h"
#include "mutator.h"
#include "open_op.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nest_op op;
  /* libFuzzer's copy has exactly this size. */
  nest_fuzz_open(data, size, &op);
  if (size > 0) {
    const nest_status status = nest_open(data + 1, size - 1, &op);
    REQUIRE(status == NEST_ERROR_TRUNCATED || status == NEST_ERROR_ALIGNMENT);
  }
  return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                               unsigned int seed) {
  return nest_fuzz_mutate(data, size, max_size, seed);
}
