#include "saturated.h"

uint32_t nest_governor_expects(const nest_governor* governor, int32_t level) {
  const uint64_t cost =
      nest_sum(governor->instructions[level], governor->fixed);
  const uint64_t whole = (governor->rate >> 32) * cost;
  const uint64_t part = ((governor->rate & UINT32_MAX) * cost) >> 32;
  /* Each below 2^64; their sum as well, as cost < 2^32. */
  return nest_saturated(whole + part);
}
