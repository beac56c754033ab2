// Stand-in; see micro_common.h beside it.

#ifndef STAND_IN_MICRO_LOG_H_
#define STAND_IN_MICRO_LOG_H_

void MicroPrintf(const char* format, ...) __attribute__((format(printf, 1, 2)));

#endif  // STAND_IN_MICRO_LOG_H_
