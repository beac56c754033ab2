/* From reset to main on QEMU's RISC-V board. */
#include <string.h>

#include "board.h"

extern uint8_t board_bss_begin[], board_bss_end[];
int main(void);

static void __attribute__((aligned(4), used)) board_trap(void) {
  board_write("fault\n");
  board_exit(2);
}

static void __attribute__((used)) board_start(void) {
  memset(board_bss_begin, 0, (size_t)(board_bss_end - board_bss_begin));
  board_exit(main());
}

__attribute__((naked, section(".vectors"), used)) void board_reset(void) {
  __asm__ volatile(
      ".option arch, +zicsr\n"
      "la sp, board_stack_top\n"
      "la t0, board_trap\n"
      "csrw mtvec, t0\n"
      "j board_start");
}
