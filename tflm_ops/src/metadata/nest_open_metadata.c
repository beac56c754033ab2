#include <string.h>

#include "layout.h"
#include "nest/format.h"

static const uint32_t million = 1000000;

static int levels_in_range(const nest_metadata* metadata) {
  for (int32_t level = 0; level < metadata->levels; ++level) {
    const uint32_t score = nest_level_score(metadata, level);
    if (nest_level_sparsity(metadata, level) > million) {
      return 0;
    }
    if (metadata->metric == NEST_METRIC_NONE && score != NEST_UNKNOWN) {
      return 0;
    }
    if (metadata->metric == NEST_METRIC_ACCURACY && score > million &&
        score != NEST_UNKNOWN) {
      return 0;
    }
  }
  return 1;
}

/* Printable letters, then zeros. */
static int is_name(const uint8_t* name) {
  int32_t length = 0;
  while (length < NEST_METADATA_NAME_BYTES && name[length] > 0x20 &&
         name[length] < 0x7f) {
    ++length;
  }
  for (int32_t i = length; i < NEST_METADATA_NAME_BYTES; ++i) {
    if (name[i] != 0) {
      return 0;
    }
  }
  return length > 0 && length < NEST_METADATA_NAME_BYTES;
}

static int names_in_order(const nest_metadata* metadata) {
  for (int32_t core = 0; core < metadata->cores; ++core) {
    const uint8_t* name = nest_core_at(metadata, core);
    if (!is_name(name)) {
      return 0;
    }
    for (int32_t other = 0; other < core; ++other) {
      if (memcmp(name, nest_core_at(metadata, other),
                 NEST_METADATA_NAME_BYTES) == 0) {
        return 0;
      }
    }
  }
  return 1;
}

nest_metadata_status nest_open_metadata(const void* buffer, size_t bytes,
                                        nest_metadata* metadata) {
  const uint8_t* data = (const uint8_t*)buffer;
  if (data == NULL || bytes < NEST_METADATA_HEADER_BYTES) {
    return NEST_METADATA_TRUNCATED;
  }
  if (memcmp(data, "NLVL", 4) != 0) {
    return NEST_METADATA_MAGIC;
  }
  if (data[4] != NEST_METADATA_VERSION) {
    return NEST_METADATA_OTHER;
  }
  const uint32_t levels = data[5], cores = data[6], core = data[7];
  const uint32_t samples = nest_u32_at(data + 12);
  if (levels < 1 || levels > NEST_MAX_LEVELS ||
      cores > NEST_METADATA_MAX_CORES || (core >= cores && core != 255) ||
      data[8] > NEST_METRIC_MSE || data[9] != 0 || data[10] != 0 ||
      data[11] != 0 || (data[8] == NEST_METRIC_NONE && samples != 0)) {
    return NEST_METADATA_FIELD;
  }
  const uint32_t total = NEST_METADATA_HEADER_BYTES +
                         NEST_METADATA_LEVEL_BYTES * levels +
                         (NEST_METADATA_NAME_BYTES + 4 * levels) * cores;
  if (bytes != total || nest_u32_at(data + 16) != total) {
    return NEST_METADATA_TRUNCATED;
  }
  metadata->bytes = data;
  metadata->levels = (int32_t)levels;
  metadata->cores = (int32_t)cores;
  metadata->converted_for = core == 255 ? -1 : (int32_t)core;
  metadata->metric = (nest_metric)data[8];
  metadata->samples = samples;
  return levels_in_range(metadata) && names_in_order(metadata)
             ? NEST_METADATA_OK
             : NEST_METADATA_FIELD;
}
