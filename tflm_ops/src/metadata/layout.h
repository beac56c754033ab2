/* Where the parts of the metadata lie; nest/metadata.h describes them. */
#ifndef NEST_SRC_METADATA_LAYOUT_H_
#define NEST_SRC_METADATA_LAYOUT_H_

#include <stddef.h>
#include <stdint.h>

#include "nest/metadata.h"

enum {
  NEST_METADATA_HEADER_BYTES = 20,
  NEST_METADATA_LEVEL_BYTES = 12,
  NEST_METADATA_NAME_BYTES = 16
};

static inline uint32_t nest_u32_at(const uint8_t* bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
         (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline const uint8_t* nest_level_at(const nest_metadata* metadata,
                                           int32_t level) {
  return metadata->bytes + NEST_METADATA_HEADER_BYTES +
         NEST_METADATA_LEVEL_BYTES * level;
}

/* The name of a core; its instructions follow. */
static inline const uint8_t* nest_core_at(const nest_metadata* metadata,
                                          int32_t core) {
  return nest_level_at(metadata, metadata->levels) +
         (NEST_METADATA_NAME_BYTES + 4 * metadata->levels) * core;
}

#endif /* NEST_SRC_METADATA_LAYOUT_H_ */
