#include <stddef.h>

#include "nest/governor.h"

int32_t nest_governor_at(nest_governor* governor, int32_t level,
                         int32_t* level_input) {
  if (level > governor->levels - 1) {
    level = governor->levels - 1;
  }
  if (level < 0) {
    level = 0;
  }
  governor->level = level;
  governor->waited = 0;
  if (level_input != NULL) {
    *level_input = level;
  }
  return level;
}
