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

typedef struct run {
  const nest_op* op;
  nest_fuzz_kernel kernel;
  size_t in, out, scratch_bytes;
  int8_t *input, *output, *again;
  void* scratch;
} run;

/* All lowest or highest, where sums are largest, or any. */
static void fill_input(const run* r, uint32_t random) {
  const uint32_t kind = random / 16 % 8;
  for (size_t i = 0; i < r->in; ++i) {
    random = random * 1664525u + 1013904223u;
    const int32_t any = random & 1 ? -128 : (int32_t)(random >> 24) - 128;
    r->input[i] = (int8_t)(kind == 0 ? 127 : kind == 1 ? -128 : any);
  }
}

/* A level whose scratch held any bytes before. */
static nest_status run_level(const run* r, int32_t level, int garbage,
                             int8_t* output) {
  memset(output, 99, r->out);
  memset(r->scratch, garbage, r->scratch_bytes);
  return r->kernel(r->op, level, r->input, output, r->scratch);
}

static void check_level(const run* r, int32_t level) {
  const nest_op* op = r->op;
  REQUIRE(run_level(r, level, 0x7f, r->output) == NEST_OK);
  for (size_t i = 0; i < r->out; ++i) {
    REQUIRE(op->act_min <= r->output[i] && r->output[i] <= op->act_max);
  }
  /* Sums of pixels that an image does not have are of what was in the scratch:
   * none of them stays. */
  if (r->scratch_bytes > 0 && level == op->levels - 1) {
    REQUIRE(run_level(r, level, 0x80, r->again) == NEST_OK);
    REQUIRE(memcmp(r->output, r->again, r->out) == 0);
  }
}

static void run_levels(const nest_op* op, uint32_t random) {
  run r = {op, NULL, 0, 0, 0, NULL, NULL, NULL, NULL};
  const int64_t in = (int64_t)op->in_h * op->in_w * op->in_c;
  const int64_t out = (int64_t)op->out_h * op->out_w * op->out_c;
  r.kernel = nest_fuzz_kernel_of(op, &r.scratch_bytes);
  if (in > MAX_BYTES || out > MAX_BYTES || r.scratch_bytes > MAX_BYTES) return;
  if (out * op->columns * op->levels > MAX_MACS) return;
  r.in = (size_t)in;
  r.out = (size_t)out;

  /* Tensors start anywhere; the scratch is aligned for pointers. */
  r.input = (int8_t*)nest_fuzz_take(r.in, random % 4);
  r.output = (int8_t*)nest_fuzz_take(r.out, random / 4 % 4);
  r.again = (int8_t*)nest_fuzz_take(r.out, random / 4 % 4);
  r.scratch = nest_fuzz_take(r.scratch_bytes, 0);
  fill_input(&r, random);
  for (int32_t level = 0; level < op->levels; ++level) check_level(&r, level);
  REQUIRE(run_level(&r, -1, 0, r.output) == NEST_ERROR_LEVEL);
  REQUIRE(run_level(&r, op->levels, 0, r.again) == NEST_ERROR_LEVEL);
  for (size_t i = 0; i < r.out; ++i) {
    REQUIRE(r.output[i] == 99 && r.again[i] == 99);
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
