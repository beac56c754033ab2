#include "layout.h"

uint32_t nest_level_instructions(const nest_metadata* metadata, int32_t core,
                                 int32_t level) {
  return nest_u32_at(nest_core_at(metadata, core) + NEST_METADATA_NAME_BYTES +
                     4 * level);
}
