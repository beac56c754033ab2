/* Runs the nested ops of a model for long: an op, a level and an input drawn at
 * random in each round, and a checksum of all outputs so far, which
 * scripts/soak.py compares with this machine's. Lines:
 *
 *   round ROUNDS crc CRC       every SOAK_STEP rounds
 *   error WHAT op INDEX level LEVEL
 *   done
 */
#include <string.h>

#include "bench_op.h"
#include "board.h"

#ifndef SOAK_ROUNDS
#define SOAK_ROUNDS 1000u
#endif
#ifndef SOAK_STEP
#define SOAK_STEP 100u
#endif
#define MOST_OPS 32
#define GUARD_BYTES 64
#define UNWRITTEN 0x5a

static nest_op ops[MOST_OPS];

static void stop(const char* what, uint32_t index, uint32_t level) {
  board_write(what);
  board_write_fact(" op ", index);
  board_write_fact(" level ", level);
  board_write("\n");
  board_exit(1);
}

/* The last step of MurmurHash3: every bit of the result depends on every bit.
 */
static uint32_t mixed(uint32_t x) {
  x = (x ^ x >> 16) * 0x85ebca6bu;
  x = (x ^ x >> 13) * 0xc2b2ae35u;
  return x ^ x >> 16;
}

/* The CRC-32 of zlib and Ethernet, continued, bit by bit. */
static uint32_t checksum(uint32_t crc, const uint8_t* bytes, size_t count) {
  crc = ~crc;
  for (size_t i = 0; i < count; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
  }
  return ~crc;
}

static uint8_t* aligned(uint8_t* at) {
  return (uint8_t*)(((uintptr_t)at + 15) & ~(uintptr_t)15);
}

static uint32_t run_round(uint32_t round, uint32_t crc) {
  const uint32_t drawn = mixed(round);
  const uint32_t index = drawn % bench_op_count;
  const bench_op* const entry = &bench_ops[index];
  const nest_op* const op = &ops[index];
  const uint32_t level = (drawn >> 16) % (uint32_t)op->levels;
  const size_t input_bytes = (size_t)op->in_h * op->in_w * op->in_c;
  uint8_t* const input = aligned(board_free_begin);
  uint8_t* const output = aligned(input + input_bytes);
  uint8_t* const scratch = aligned(output + entry->output_bytes + GUARD_BYTES);
  const size_t scratch_bytes = entry->get_buffer_size(op);
  if (scratch_bytes + GUARD_BYTES > (size_t)(board_free_end - scratch)) {
    stop("error memory", index, level);
  }
  for (size_t i = 0; i < input_bytes; ++i) {
    input[i] = (uint8_t)(mixed(drawn + (uint32_t)i) >> 24);
  }
  memset(output, UNWRITTEN, entry->output_bytes + GUARD_BYTES);
  memset(scratch, (int)(drawn & 0xff), scratch_bytes);
  memset(scratch + scratch_bytes, UNWRITTEN, GUARD_BYTES);
  if (entry->run(op, (int32_t)level, (int8_t*)input, (int8_t*)output,
                 scratch) != NEST_OK) {
    stop("error status", index, level);
  }
  for (size_t i = 0; i < GUARD_BYTES; ++i) {
    if (output[entry->output_bytes + i] != UNWRITTEN ||
        scratch[scratch_bytes + i] != UNWRITTEN) {
      stop("error bounds", index, level);
    }
  }
  return checksum(crc, output, entry->output_bytes);
}

int main(void) {
  uint32_t crc = 0;
  if (bench_op_count > MOST_OPS) stop("error memory", bench_op_count, 0);
  for (uint32_t index = 0; index < bench_op_count; ++index) {
    const bench_op* const entry = &bench_ops[index];
    if (nest_open(entry->blob, entry->blob_bytes, &ops[index]) != NEST_OK) {
      stop("error blob", index, 0);
    }
  }
  for (uint32_t round = 0; round < SOAK_ROUNDS; ++round) {
    crc = run_round(round, crc);
    if ((round + 1) % SOAK_STEP == 0) {
      board_write_fact("round ", round + 1);
      board_write_fact(" crc ", crc);
      board_write("\n");
    }
  }
  board_write("done\n");
  return 0;
}
