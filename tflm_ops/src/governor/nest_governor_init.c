#include "nest/governor.h"

int nest_governor_init(nest_governor* governor, const nest_metadata* metadata,
                       const char* core) {
  const int32_t number = nest_find_core(metadata, core);
  if (number < 0) {
    return 0;
  }
  uint32_t costs[NEST_MAX_LEVELS];
  for (int32_t level = 0; level < metadata->levels; ++level) {
    costs[level] = nest_level_instructions(metadata, number, level);
    if (costs[level] == NEST_UNKNOWN) {
      return 0;
    }
  }
  return nest_governor_init_costs(governor, costs, metadata->levels);
}
