/* Output and exit through the debugger's interface, which QEMU answers. */
#include "board.h"

#define SYS_WRITE0 0x04
#define SYS_EXIT_EXTENDED 0x20
#define STOPPED_APPLICATION_EXIT 0x20026

#if defined(__riscv)
static void call(uintptr_t operation, const void* argument) {
  register uintptr_t a0 __asm__("a0") = operation;
  register const void* a1 __asm__("a1") = argument;
  /* These three, uncompressed and on one page, are the call. */
  __asm__ volatile(
      ".option push\n"
      ".option norvc\n"
      ".balign 16\n"
      "slli zero, zero, 0x1f\n"
      "ebreak\n"
      "srai zero, zero, 7\n"
      ".option pop"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
}
#else
static void call(uintptr_t operation, const void* argument) {
  register uintptr_t r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
#endif

void board_write(const char* text) { call(SYS_WRITE0, text); }

void board_write_fact(const char* name, uint32_t value) {
  char text[11];
  char* at = text + sizeof(text) - 1;
  *at = 0;
  do {
    *--at = (char)('0' + value % 10);
    value /= 10;
  } while (value != 0);
  board_write(name);
  board_write(at);
}

void board_exit(int status) {
  const uintptr_t block[2] = {STOPPED_APPLICATION_EXIT, (uintptr_t)status};
  for (;;) call(SYS_EXIT_EXTENDED, block);
}
