#include <string.h>

#include "layout.h"

int32_t nest_find_core(const nest_metadata* metadata, const char* name) {
  if (name == NULL) {
    return metadata->converted_for;
  }
  for (int32_t core = 0; core < metadata->cores; ++core) {
    if (strcmp((const char*)nest_core_at(metadata, core), name) == 0) {
      return core;
    }
  }
  return -1;
}
