/* Calls the kernels as tests did (record.py), and compares what they answer.

   usage: replay FILE     0: all the same; 1: one differs, whose number is
   printed */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nest/nest.h"

enum { CHECK, SCRATCH, RUN };

typedef struct {
  uint32_t what, blob_bytes, valid, level, images, x_bytes, y_bytes,
      scratch_bytes;
} record;

/* As tests/kernels/test_bounds.py: memory whose ends must stay as they are. */
#define GUARD 64
#define UNWRITTEN 0x5a

static unsigned char *guarded(size_t size) {
  unsigned char *memory = malloc(size + 2 * GUARD);
  if (memory == NULL) abort();
  memset(memory, UNWRITTEN, size + 2 * GUARD);
  return memory + GUARD;
}

static int free_unwritten(unsigned char *memory, size_t size) {
  int unwritten = 1;
  for (size_t i = 0; i < GUARD; i++) {
    unwritten &= memory[size + i] == UNWRITTEN;
    unwritten &= (memory - GUARD)[i] == UNWRITTEN;
  }
  free(memory - GUARD);
  return unwritten;
}

/* A copy whose last byte is the memory's last one, so that sanitizers see
 * overruns. */
static void *copy_of(const unsigned char *bytes, size_t size) {
  void *copy = malloc(size ? size : 1);
  if (copy == NULL) abort();
  memcpy(copy, bytes, size);
  return copy;
}

static int run(const nest_op *op, const record *r, const int8_t *x, int8_t *y) {
  void *scratch = guarded(r->scratch_bytes);
  int status = 0;
  size_t in = r->x_bytes / r->images, out = r->y_bytes / r->images;
  for (uint32_t i = 0; i < r->images && status == 0; i++) {
    const int8_t *from = x + i * in;
    int8_t *to = y + i * out;
    int32_t level = (int32_t)r->level;
    switch (op->kind) {
      case NEST_CONV_2D:
        status = nest_conv_2d(op, level, from, to, scratch);
        break;
      case NEST_DEPTHWISE_CONV_2D:
        status = nest_depthwise_conv_2d(op, level, from, to, scratch);
        break;
      default:
        status = nest_fully_connected(op, level, from, to, scratch);
    }
  }
  return free_unwritten(scratch, r->scratch_bytes) ? status : -1;
}

static size_t scratch_of(const nest_op *op) {
  switch (op->kind) {
    case NEST_CONV_2D:
      return nest_conv_2d_get_buffer_size(op);
    case NEST_DEPTHWISE_CONV_2D:
      return nest_depthwise_conv_2d_get_buffer_size(op);
    default:
      return nest_fully_connected_get_buffer_size(op);
  }
}

static int same(const record *r, const unsigned char *at) {
  void *blob = copy_of(at, r->blob_bytes);
  void *x = copy_of(at + r->blob_bytes, r->x_bytes);
  int8_t *y = (int8_t *)guarded(r->y_bytes);
  nest_op op;
  int good;
  good = (nest_open(blob, r->blob_bytes, &op) == NEST_OK) == (r->valid != 0);
  if (good && r->what == SCRATCH) good = scratch_of(&op) == r->scratch_bytes;
  if (good && r->what == RUN) {
    good = scratch_of(&op) == r->scratch_bytes && run(&op, r, x, y) == 0 &&
           memcmp(y, at + r->blob_bytes + r->x_bytes, r->y_bytes) == 0;
  }
  free(blob);
  free(x);
  return free_unwritten((unsigned char *)y, r->y_bytes) && good;
}

int main(int argc, char **argv) {
  FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  unsigned char *bytes = NULL;
  size_t capacity = 0;
  record r;
  if (file == NULL) return 2;
  for (unsigned number = 0; fread(&r, sizeof r, 1, file) == 1; number++) {
    size_t size = (size_t)r.blob_bytes + r.x_bytes + r.y_bytes;
    if (size > capacity) {
      free(bytes);
      bytes = malloc(capacity = 2 * size);
      if (bytes == NULL) return 2;
    }
    if (fread(bytes, 1, size, file) != size) return 2;
    if (!same(&r, bytes)) {
      printf("record %u\n", number);
      return 1;
    }
  }
  free(bytes);
  return 0;
}
