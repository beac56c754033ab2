/* The 32-bit timers of Arm's MPS2 and MPS3 boards, as QEMU models them. */
#include "board.h"

static volatile uint32_t* at(uint32_t address) {
  return (volatile uint32_t*)(uintptr_t)address;
}

#if defined(__ARM_FEATURE_MVE) /* Cortex-M55, SSE-300: the system counter */
#define CONTROL 0x58100000u    /* bit 0: run */
#define COUNT_LOW 0x58100008u
#define COUNT_HIGH 0x5810000cu

void board_timer_start(void) {
  *at(CONTROL) = 0;
  *at(COUNT_LOW) = 0;
  *at(COUNT_HIGH) = 0;
  *at(CONTROL) = 1;
}

uint32_t board_timer_read(void) {
  const uint32_t low = *at(COUNT_LOW);
  return *at(COUNT_HIGH) == 0 ? low : BOARD_TIMER_OVERFLOW;
}

#else /* CMSDK APB timer 0, counting down; the M33 starts in secure state */
#if defined(__ARM_ARCH_8M_MAIN__)
#define TIMER 0x50000000u
#else
#define TIMER 0x40000000u
#endif
#define CONTROL TIMER /* bit 0: run, bit 3: set STATUS at zero */
#define VALUE (TIMER + 0x4u)
#define RELOAD (TIMER + 0x8u)
#define STATUS (TIMER + 0xcu) /* bit 0: has reached zero; written: cleared */

void board_timer_start(void) {
  *at(CONTROL) = 0;
  *at(RELOAD) = UINT32_MAX;
  *at(VALUE) = UINT32_MAX;
  *at(STATUS) = 1;
  *at(CONTROL) = 1 | 1 << 3;
}

uint32_t board_timer_read(void) {
  const uint32_t value = *at(VALUE);
  return *at(STATUS) == 0 ? UINT32_MAX - value : BOARD_TIMER_OVERFLOW;
}
#endif
