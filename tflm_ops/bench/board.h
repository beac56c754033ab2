/* What a bare-metal image has of its board, emulated by QEMU. */
#ifndef NEST_BENCH_BOARD_H_
#define NEST_BENCH_BOARD_H_

#include <stdint.h>

/* Text to QEMU's standard output, by semihosting. */
void board_write(const char* text);

/* A name and, right behind it, a number in decimal. */
void board_write_fact(const char* name, uint32_t value);

/* Ends QEMU with this exit status. */
void board_exit(int status) __attribute__((noreturn));

/* Instructions are counted by a timer: under QEMU's -icount shift=N each takes
 * exactly 2^N ns of the board's time. */
#define BOARD_TIMER_OVERFLOW UINT32_MAX

/* Sets the timer to zero and lets it run. */
void board_timer_start(void);

/* Ticks since then, or BOARD_TIMER_OVERFLOW. */
uint32_t board_timer_read(void);

/* The rest of the large memory, for tensors; from the linker script. */
extern uint8_t board_free_begin[], board_free_end[];
/* The stack's lowest word; from the linker script. */
extern uint32_t board_stack_begin[];

/* Where the stack ends now. */
static inline uint32_t* board_stack_pointer(void) {
  uint32_t* end;
#if defined(__riscv)
  __asm__ volatile("mv %0, sp" : "=r"(end));
#else
  __asm__ volatile("mov %0, sp" : "=r"(end));
#endif
  return end;
}

/* The kernels' code and constants in the image; from the linker script. */
extern const uint8_t board_kernels_begin[], board_kernels_end[];

#endif /* NEST_BENCH_BOARD_H_ */
