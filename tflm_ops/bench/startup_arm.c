/* From reset to main on Cortex-M. QEMU loads .data in place: nothing to copy.
 */
#include <string.h>

#include "board.h"

extern uint8_t board_bss_begin[], board_bss_end[], board_stack_top[];
int main(void);

static void fault(void) {
  board_write("fault\n");
  board_exit(2);
}

static void reset(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  *(volatile uint32_t*)0xe000ed88u |= 0xfu << 20; /* CPACR: FPU and vectors */
#endif
#if defined(__ARM_FEATURE_MVE)
  *(volatile uint32_t*)0xe000ed14u |= 1u << 19; /* CCR.LOB: hardware loops */
#endif
  __asm__ volatile("dsb\n isb" ::: "memory");
  memset(board_bss_begin, 0, (size_t)(board_bss_end - board_bss_begin));
  board_exit(main());
}

/* The stack's top, then the handlers of reset and of the exceptions 2 to 15. */
typedef union vector {
  uint8_t* stack;
  void (*handler)(void);
} vector;

__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    {.stack = board_stack_top}, {.handler = reset}, {.handler = fault},
    {.handler = fault},         {.handler = fault}, {.handler = fault},
    {.handler = fault},         {.handler = fault}, {.handler = fault},
    {.handler = fault},         {.handler = fault}, {.handler = fault},
    {.handler = fault},         {.handler = fault}, {.handler = fault},
    {.handler = fault}};
