#include "nest/nest.h"

/* In the order of nest_status, one behind the other: pointers to them would
 * take more flash than the way to them. */
static const char texts[] =
    "ok\0"
    "packed bytes missing or left over\0"
    "packed op not aligned to 4\0"
    "not a packed nested op\0"
    "packed op of another version\0"
    "packed field out of range\0"
    "packed shapes do not fit\0"
    "packed sections do not add up\0"
    "index past the end of its row\0"
    "accumulator could overflow\0"
    "no such level\0"
    "packed op of another kind\0"
    "levels of width: build with NEST_WIDTHS=1\0"
    "levels of bits: build with NEST_BITS=1\0"
    "unknown";

const char* nest_status_text(nest_status status) {
  const char* text = texts;
  const unsigned unknown = NEST_ERROR_BITS + 1;
  unsigned left = (unsigned)status < unknown ? (unsigned)status : unknown;
  for (; left > 0; ++text) left -= *text == '\0';
  return text;
}
