#include "saturated.h"

/* The densest level from `lowest` to `highest` that fits a budget with a share
 * to spare; `lowest` where none does. */
static int32_t densest(const nest_governor* governor, int32_t lowest,
                       int32_t highest, uint32_t budget, uint32_t headroom) {
  for (int32_t level = highest; level > lowest; --level) {
    const uint32_t expected = nest_with_share(
        nest_governor_expects(governor, level), governor->margin);
    if (nest_with_share(expected, headroom) <= budget) {
      return level;
    }
  }
  return lowest;
}

int32_t nest_governor_before(nest_governor* governor, uint32_t budget,
                             int32_t* level_input) {
  const int32_t top = governor->levels - 1;
  const int32_t ceiling = governor->ceiling < top ? governor->ceiling : top;
  int32_t floor = governor->floor > 0 ? governor->floor : 0;
  floor = floor < ceiling ? floor : (ceiling > 0 ? ceiling : 0);
  const uint32_t waited = governor->waited;
  int32_t level = governor->level < ceiling ? governor->level : ceiling;
  level = level > floor ? level : floor;
  if (governor->rate == 0) {
    return nest_governor_at(governor, floor, level_input);
  }
  const int32_t fits = densest(governor, floor, level, budget, 0);
  if (fits < level || level == ceiling) {
    return nest_governor_at(governor, fits, level_input);
  }
  const int32_t up =
      densest(governor, level, ceiling, budget, governor->headroom);
  if (up == level) {
    return nest_governor_at(governor, level, level_input);
  }
  if (waited + 1 >= governor->patience) {
    return nest_governor_at(governor, up, level_input);
  }
  nest_governor_at(governor, level, level_input);
  governor->waited = waited + 1;
  return level;
}
