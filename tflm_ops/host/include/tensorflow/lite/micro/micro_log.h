// Stand-in for TFLM's header of the same name; see micro_common.h beside it.

#ifndef NEST_HOST_MICRO_LOG_H_
#define NEST_HOST_MICRO_LOG_H_

// Prints a line to stderr, where the wheel prints its own.
void MicroPrintf(const char* format, ...) __attribute__((format(printf, 1, 2)));

#endif  // NEST_HOST_MICRO_LOG_H_
