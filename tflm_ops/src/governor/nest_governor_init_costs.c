#include <string.h>

#include "nest/governor.h"

int nest_governor_init_costs(nest_governor* governor, const uint32_t* costs,
                             int32_t levels) {
  if (levels < 1 || levels > NEST_MAX_LEVELS) {
    return 0;
  }
  memset(governor, 0, sizeof(*governor));
  governor->levels = levels;
  governor->ceiling = levels - 1;
  governor->margin = 51;
  governor->headroom = 102;
  governor->patience = 4;
  governor->fall = 4;
  governor->previous_level = -1;
  for (int32_t level = 0; level < levels; ++level) {
    if (costs[level] == 0) {
      return 0;
    }
    governor->instructions[level] = costs[level];
  }
  return 1;
}
