/* libFuzzer target: any bytes give an error or a valid run, never a crash.
 *
 * The blob is opened; where it validates, every level runs, and -1 and levels,
 * on buffers of exactly the documented sizes. */
#include <string.h>

#include "buffers.h"
#include "check.h"
#include "mutator.h"
#include "open_op.h"

/* Larger ops are valid, and too slow to learn anything from. */
#define MAX_BYTES (1 << 17)
#define MAX_MACS (1 << 18)

static void run_levels(const nest_op* op, uint32_t random) {
  const int64_t in = (int64_t)op->in_h * op->in_w * op->in_c;
  const int64_t out = (int64_t)op->out_h * op->out_w * op->out_c;
  size_t scratch_bytes = 0;
  const nest_fuzz_kernel run = nest_fuzz_kernel_of(op, &scratch_bytes);
  if (in > MAX_BYTES || out > MAX_BYTES || scratch_bytes > MAX_BYTES) return;
  if (out * op->columns * op->levels > MAX_MACS) return;

  /* Tensors start anywhere; the scratch is aligned for pointers. */
  int8_t* input = (int8_t*)nest_fuzz_take((size_t)in, random % 4);
  int8_t* output = (int8_t*)nest_fuzz_take((size_t)out, random / 4 % 4);
  void* scratch = nest_fuzz_take(scratch_bytes, 0);
  for (int64_t i = 0; i < in; ++i) {
    random = random * 1664525u + 1013904223u;
    input[i] = (int8_t)(random & 1 ? -128 : (int32_t)(random >> 24) - 128);
  }
  memset(output, 99, (size_t)out);
  for (int32_t level = -1; level <= op->levels; ++level) {
    const nest_status status = run(op, level, input, output, scratch);
    if (level < 0) {
      REQUIRE(status == NEST_ERROR_LEVEL);
      for (int64_t i = 0; i < out; ++i) REQUIRE(output[i] == 99);
      continue;
    }
    REQUIRE(status == (level < op->levels ? NEST_OK : NEST_ERROR_LEVEL));
    for (int64_t i = 0; i < out; ++i) {
      REQUIRE(op->act_min <= output[i] && output[i] <= op->act_max);
    }
  }
  nest_fuzz_give_back();
}

static unsigned long blobs, valid_blobs;

static void print_counts(void) {
  fprintf(stderr, "nest_fuzz: %lu blobs, %lu valid\n", blobs, valid_blobs);
}

int LLVMFuzzerInitialize(int* argc, char*** argv) {
  (void)argc;
  (void)argv;
  return atexit(print_counts);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nest_op op;
  ++blobs;
  /* libFuzzer's copy has exactly this size. */
  if (nest_fuzz_open(data, size, &op) == NEST_OK) {
    run_levels(&op, (uint32_t)size ^ (uint32_t)data[size - 1] << 8);
    ++valid_blobs;
  }
  return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                               unsigned int seed) {
  return nest_fuzz_mutate(data, size, max_size, seed);
}
