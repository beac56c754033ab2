#include "buffers.h"

#include <stdint.h>
#include <stdlib.h>

#include "check.h"

#if defined(__SANITIZE_ADDRESS__)
#define POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONS 1
#endif
#endif

#ifdef POISONS
#include <sanitizer/asan_interface.h>

enum { BETWEEN = 64 };

static uint64_t memory[(NEST_FUZZ_MOST_BYTES + 16 * BETWEEN) / 8];
static size_t used;
static int is_poisoned;

void* nest_fuzz_take(size_t bytes, size_t skew) {
  uint8_t* start = (uint8_t*)memory;
  if (!is_poisoned) {
    /* Once; later on all of it is. */
    ASAN_POISON_MEMORY_REGION(start, sizeof(memory));
    is_poisoned = 1;
  }
  const uintptr_t base = (uintptr_t)start;
  uintptr_t at = (base + used + BETWEEN + 15) / 16 * 16 + skew;
  REQUIRE(at - base + bytes <= sizeof(memory));
  /* Its first and last bytes may share eight with poisoned ones: those before
   * the first cannot be told apart, those behind the last can. */
  ASAN_UNPOISON_MEMORY_REGION((void*)at, bytes);
  used = at - base + bytes;
  return (void*)at;
}

void nest_fuzz_give_back(void) {
  ASAN_POISON_MEMORY_REGION(memory, used);
  used = 0;
}

#else

enum { MOST = 16 };

static void* taken[MOST];
static size_t count;

void* nest_fuzz_take(size_t bytes, size_t skew) {
  uint8_t* start = (uint8_t*)malloc(bytes + skew > 0 ? bytes + skew : 1);
  REQUIRE(start != NULL && count < MOST);
  taken[count++] = start;
  return start + skew;
}

void nest_fuzz_give_back(void) {
  while (count > 0) free(taken[--count]);
}

#endif
