#include "layout.h"

uint32_t nest_level_sparsity(const nest_metadata* metadata, int32_t level) {
  return nest_u32_at(nest_level_at(metadata, level));
}
