/* Runs every nested op of a model once at every level, on a real input, checks
 * the output and prints what it took. Lines for keras_nest/bench/emulator.py:
 *
 *   kernels BYTES              code and constants of the linked kernels
 *   empty TICKS                the timer's reading of nothing at all
 *   op INDEX scratch BYTES
 *   op INDEX level LEVEL ticks TICKS
 *   op INDEX stack BYTES       the deepest of nest_open and of all levels
 *   error WHAT op INDEX level LEVEL
 *   done
 */
#include <string.h>

#include "bench_op.h"
#include "board.h"

#define GUARD_BYTES 64
#define UNWRITTEN 0x5a
#define UNUSED_STACK 0x5a5a5a5au

static void stop(const char* what, uint32_t index, int32_t level) {
  board_write(what);
  board_write_fact(" op ", index);
  board_write_fact(" level ", (uint32_t)level);
  board_write("\n");
  board_exit(1);
}

/* The CRC-32 of zlib and Ethernet, bit by bit. */
static uint32_t checksum(const uint8_t* bytes, size_t count) {
  uint32_t crc = UINT32_MAX;
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

static int is_unwritten(const uint8_t* from) {
  for (size_t i = 0; i < GUARD_BYTES; ++i) {
    if (from[i] != UNWRITTEN) return 0;
  }
  return 1;
}

/* Marks what lies below the caller's frame. Inlined: a call would mark itself.
 */
static inline __attribute__((always_inline)) void mark_stack(void) {
  volatile uint32_t* const end = board_stack_pointer();
  for (volatile uint32_t* at = board_stack_begin; at < end; ++at) {
    *at = UNUSED_STACK;
  }
}

/* Bytes below the caller's frame that were written since. */
static inline __attribute__((always_inline)) uint32_t used_stack(void) {
  const volatile uint32_t* const end = board_stack_pointer();
  const volatile uint32_t* at = board_stack_begin;
  while (at < end && *at == UNUSED_STACK) ++at;
  return (uint32_t)(end - at) * (uint32_t)sizeof *at;
}

static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

static void time_op(uint32_t index) {
  const bench_op* const entry = &bench_ops[index];
  nest_op op;
  mark_stack();
  if (nest_open(entry->blob, entry->blob_bytes, &op) != NEST_OK) {
    stop("error blob", index, 0);
  }
  const size_t scratch_bytes = entry->get_buffer_size(&op);
  uint32_t stack_bytes = used_stack();
  const size_t output_bytes = entry->output_bytes;
  uint8_t* const output = board_free_begin;
  uint8_t* const scratch = aligned(output + output_bytes + GUARD_BYTES);
  if (scratch_bytes + GUARD_BYTES > (size_t)(board_free_end - scratch)) {
    stop("error memory", index, 0);
  }
  board_write_fact("op ", index);
  board_write_fact(" scratch ", (uint32_t)scratch_bytes);
  board_write("\n");
  for (int32_t level = 0; level < op.levels; ++level) {
    /* Nothing of the level before may pass for this one's output. */
    memset(output, UNWRITTEN, output_bytes + GUARD_BYTES);
    memset(scratch, UNWRITTEN, scratch_bytes + GUARD_BYTES);
    const int8_t* input = entry->input + (uint32_t)level * entry->input_step;
    mark_stack();
    board_timer_start();
    const nest_status status =
        entry->run(&op, level, input, (int8_t*)output, scratch);
    const uint32_t ticks = board_timer_read();
    stack_bytes = larger(stack_bytes, used_stack());
    if (ticks == BOARD_TIMER_OVERFLOW) stop("error timer", index, level);
    if (status != NEST_OK) stop("error status", index, level);
    if (checksum(output, output_bytes) != entry->checksums[level]) {
      stop("error output", index, level);
    }
    if (!is_unwritten(output + output_bytes) ||
        !is_unwritten(scratch + scratch_bytes)) {
      stop("error bounds", index, level);
    }
    board_write_fact("op ", index);
    board_write_fact(" level ", (uint32_t)level);
    board_write_fact(" ticks ", ticks);
    board_write("\n");
  }
  board_write_fact("op ", index);
  board_write_fact(" stack ", stack_bytes);
  board_write("\n");
}

int main(void) {
  board_write_fact("kernels ",
                   (uint32_t)(board_kernels_end - board_kernels_begin));
  board_timer_start();
  board_write_fact("\nempty ", board_timer_read());
  board_write("\n");
  for (uint32_t index = 0; index < bench_op_count; ++index) time_op(index);
  board_write("done\n");
  return 0;
}
