// What the example needs of a board: a clock, here that of the stand-in's
// interpreter; and what TFLM's log and C++ need.

#include <time.h>

#include "graph.h"

extern "C" {
#include "board.h"

void __cxa_pure_virtual() { board_exit(3); }
void* __dso_handle;

clock_t clock() {
  return static_cast<clock_t>(stand_in::milliseconds * CLOCKS_PER_SEC / 1000);
}
}

void MicroPrintf(const char* format, ...) {
  board_write(format);
  board_write("\n");
}
