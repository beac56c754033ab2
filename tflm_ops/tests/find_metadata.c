/* Looks for metadata of levels in a .tflite, whole, in every beginning of it,
 * and with bytes changed at random, to be run under the sanitizers. Prints how
 * many of those were found and how many refused.   find_metadata FILE CHANGES
 */
#include <string.h>

#include "check.h"
#include "nest/metadata.h"

static unsigned long found, refused;

/* In memory of exactly that size. */
static void look(const unsigned char* data, size_t size) {
  unsigned char* copy = malloc(size ? size : 1);
  nest_metadata metadata;
  CHECK(copy != NULL);
  memcpy(copy, data, size);
  if (nest_find_metadata(copy, size, &metadata) == NEST_METADATA_OK) {
    unsigned long sum = 0;
    for (int32_t level = 0; level < metadata.levels; ++level) {
      sum += nest_level_sparsity(&metadata, level);
      sum += nest_level_macs(&metadata, level);
      sum += nest_level_score(&metadata, level);
      for (int32_t core = 0; core < metadata.cores; ++core) {
        sum += nest_level_instructions(&metadata, core, level);
      }
    }
    CHECK(sum > 0);
    ++found;
  } else {
    ++refused;
  }
  free(copy);
}

int main(int argc, char** argv) {
  static unsigned char data[1 << 20];
  CHECK(argc == 3);
  FILE* file = fopen(argv[1], "rb");
  CHECK(file != NULL);
  const size_t size = fread(data, 1, sizeof(data), file);
  CHECK(size > 0 && size < sizeof(data));
  fclose(file);
  look(data, size);
  CHECK(found == 1);
  for (size_t shorter = 0; shorter < size; ++shorter) {
    look(data, shorter);
  }
  uint32_t random = 1;
  for (long i = 0; i < strtol(argv[2], NULL, 10); ++i) {
    random = random * 1664525u + 1013904223u;
    const size_t at = (random >> 8) % size;
    const unsigned char before = data[at];
    random = random * 1664525u + 1013904223u;
    data[at] = (unsigned char)(random >> 24);
    look(data, size);
    data[at] = before;
  }
  printf("%lu found, %lu refused\n", found, refused);
  return 0;
}
