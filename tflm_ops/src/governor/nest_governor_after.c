#include "saturated.h"

/* `fixed` stays below this many times the densest level. */
enum { MOST_FIXED = 16 };

static uint64_t rate_of(const nest_governor* governor, int32_t level,
                        uint32_t used) {
  const uint32_t cost =
      nest_sum(governor->instructions[level], governor->fixed);
  const uint64_t rate = ((uint64_t)used << 32) / cost;
  return rate > 0 ? rate : 1; /* 0 stands for not known */
}

/* Two levels that took a and b, for instructions of c and d, are on the line
 *   a / (c + fixed) = b / (d + fixed). */
static void learn_fixed(nest_governor* governor, uint32_t used) {
  const uint32_t* instructions = governor->instructions;
  int32_t sparse = governor->previous_level, dense = governor->level;
  uint32_t a = governor->previous_used, b = used;
  if (sparse > dense) {
    sparse = governor->level;
    dense = governor->previous_level;
    a = used;
    b = governor->previous_used;
  }
  const uint32_t c = instructions[sparse], d = instructions[dense];
  /* Where they hardly differ, chance decides. */
  if (b <= a || d <= c || (d - c) / 8 < c / 32) {
    return;
  }
  const uint64_t most =
      (uint64_t)MOST_FIXED * instructions[governor->levels - 1];
  const uint64_t left = (uint64_t)a * d, right = (uint64_t)b * c;
  uint64_t found = left > right ? (left - right) / (b - a) : 0;
  found = nest_saturated(found < most ? found : most);
  const uint32_t before = governor->fixed;
  if (!governor->knows_fixed) {
    governor->fixed = (uint32_t)found;
    governor->knows_fixed = 1;
  } else if (found > before) {
    governor->fixed += (uint32_t)((found - before) / 4);
  } else {
    governor->fixed -= (uint32_t)((before - found) / 4);
  }
}

void nest_governor_after(nest_governor* governor, uint32_t used) {
  const int32_t previous = governor->previous_level;
  if (previous >= 0 && previous != governor->level) {
    const uint32_t expected = nest_governor_expects(governor, previous);
    learn_fixed(governor, used);
    /* What is expected of that level stays. */
    governor->rate = rate_of(governor, previous, expected);
  }
  const uint64_t rate = rate_of(governor, governor->level, used);
  if (rate > governor->rate) {
    governor->rate = rate;
  } else {
    governor->rate -=
        (governor->rate - rate) >> (governor->fall < 32 ? governor->fall : 32);
  }
  governor->previous_level = governor->level;
  governor->previous_used = used;
}
