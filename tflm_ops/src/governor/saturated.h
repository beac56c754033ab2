/* Sums and products that stop at the largest number. */
#ifndef NEST_SRC_GOVERNOR_SATURATED_H_
#define NEST_SRC_GOVERNOR_SATURATED_H_

#include <stdint.h>

#include "nest/governor.h"

static inline uint32_t nest_saturated(uint64_t value) {
  return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static inline uint32_t nest_sum(uint32_t a, uint32_t b) {
  return nest_saturated((uint64_t)a + b);
}

/* The value and `share` 1024ths of it. */
static inline uint32_t nest_with_share(uint32_t value, uint32_t share) {
  return nest_saturated(value + (((uint64_t)value * share) >> 10));
}

#endif /* NEST_SRC_GOVERNOR_SATURATED_H_ */
