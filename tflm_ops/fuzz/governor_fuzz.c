/* libFuzzer target: a governor with any costs and settings, through any row of
 * budgets and durations. What it promises in governor.h holds throughout. */
#include <string.h>

#include "check.h"
#include "nest/governor.h"

/* The bytes that are left; zeros at their end. */
typedef struct source {
  const uint8_t* data;
  size_t size;
} source;

static uint32_t take(source* from, size_t bytes) {
  uint32_t value = 0;
  for (; bytes > 0 && from->size > 0; --bytes, --from->size) {
    value = value << 8 | *from->data++;
  }
  return value;
}

/* Small, or any. */
static uint32_t take_number(source* from) {
  const uint32_t width = take(from, 1);
  return take(from, 1 + width % 4);
}

static int32_t within(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

static void check_before(nest_governor* g, uint32_t budget) {
  const nest_governor was = *g;
  int32_t written = -1;
  const int32_t level = nest_governor_before(g, budget, &written);
  const int32_t highest = within(g->ceiling, 0, g->levels - 1);
  const int32_t lowest = within(g->floor, 0, highest);
  REQUIRE(level == written && level == g->level);
  REQUIRE(lowest <= level && level <= highest);
  if (was.rate == 0) {
    REQUIRE(level == lowest);
  } else if (level > lowest) {
    /* It is expected to fit, margin and all. */
    const uint64_t expected = nest_governor_expects(g, level);
    REQUIRE(expected + ((expected * g->margin) >> 10) <= budget ||
            (budget == UINT32_MAX && expected > 0));
  }
  if (was.rate != 0 && level > within(was.level, lowest, highest)) {
    REQUIRE(was.waited + 1 >= g->patience);
    REQUIRE(g->waited == 0);
  }
}

static void check_settings(nest_governor* g, source* from) {
  g->floor = (int32_t)take_number(from);
  g->ceiling = (int32_t)take_number(from);
  g->margin = take_number(from);
  g->headroom = take_number(from);
  g->patience = take_number(from);
  g->fall = take_number(from);
}

static void check_after(nest_governor* g, uint32_t used) {
  nest_governor_after(g, used);
  REQUIRE(g->rate > 0 || used == 0);
  REQUIRE(g->previous_level == g->level && g->previous_used == used);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  source from = {data, size};
  uint32_t costs[NEST_MAX_LEVELS + 1] = {0};
  const int32_t levels = (int32_t)take(&from, 1) % (NEST_MAX_LEVELS + 2);
  int known = levels >= 1 && levels <= NEST_MAX_LEVELS;
  for (int32_t i = 0; i < levels && i < NEST_MAX_LEVELS; ++i) {
    costs[i] = take_number(&from);
    known = known && costs[i] > 0;
  }
  nest_governor g;
  REQUIRE(nest_governor_init_costs(&g, costs, levels) == known);
  if (!known) return 0;
  while (from.size > 0) {
    const uint32_t what = take(&from, 1);
    switch (what % 4) {
      case 0:
        check_before(&g, take_number(&from));
        break;
      case 1:
        check_after(&g, take_number(&from));
        break;
      case 2: {
        const int32_t asked = (int32_t)take_number(&from);
        REQUIRE(nest_governor_at(&g, asked, NULL) ==
                within(asked, 0, levels - 1));
        break;
      }
      default:
        /* Rarely: with others every time nothing would be learned. */
        if (what > 240) check_settings(&g, &from);
        break;
    }
    REQUIRE(g.level >= 0 && g.level < levels);
    for (int32_t i = 0; i < levels; ++i) {
      REQUIRE(g.rate != 0 || nest_governor_expects(&g, i) == 0);
    }
  }
  return 0;
}
