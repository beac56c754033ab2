/* libFuzzer target: any bytes as the metadata of levels and as a .tflite that
 * has some; what is valid is read completely, and sets a governor up. */
#include <string.h>

#include "check.h"
#include "nest/governor.h"
#include "nest/metadata.h"

static void read_levels(const nest_metadata* m, int32_t core) {
  for (int32_t level = 0; level < m->levels; ++level) {
    const uint32_t score = nest_level_score(m, level);
    REQUIRE(nest_level_sparsity(m, level) <= 1000000);
    REQUIRE(m->metric != NEST_METRIC_NONE || score == NEST_UNKNOWN);
    (void)nest_level_macs(m, level);
    if (core >= 0) (void)nest_level_instructions(m, core, level);
  }
}

static void read_cores(const nest_metadata* m) {
  for (int32_t core = 0; core < m->cores; ++core) {
    /* As the layout in metadata.h has them. */
    const char* name = (const char*)m->bytes + 20 + 12 * m->levels +
                       (16 + 4 * m->levels) * core;
    nest_governor governor;
    REQUIRE(strlen(name) < 16);
    REQUIRE(nest_find_core(m, name) == core);
    if (nest_governor_init(&governor, m, name)) {
      REQUIRE(governor.levels == m->levels);
      REQUIRE(nest_governor_before(&governor, UINT32_MAX, NULL) == 0);
    }
    read_levels(m, core);
  }
}

static void read_all(const uint8_t* data, size_t size, const nest_metadata* m) {
  nest_governor governor;
  REQUIRE(m->levels >= 1 && m->levels <= NEST_MAX_LEVELS);
  REQUIRE(m->cores >= 0 && m->cores <= NEST_METADATA_MAX_CORES);
  REQUIRE(m->converted_for >= -1 && m->converted_for < m->cores);
  REQUIRE(m->bytes >= data && m->bytes < data + size);
  REQUIRE(nest_find_core(m, NULL) == m->converted_for);
  REQUIRE(nest_find_core(m, "") == -1);
  REQUIRE(nest_governor_init(&governor, m, "") == 0);
  read_levels(m, -1);
  read_cores(m);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nest_metadata metadata;
  /* libFuzzer's copy has exactly this size. */
  if (nest_open_metadata(data, size, &metadata) == NEST_METADATA_OK) {
    read_all(data, size, &metadata);
  }
  if (nest_find_metadata(data, size, &metadata) == NEST_METADATA_OK) {
    read_all(data, size, &metadata);
  }
  return 0;
}
