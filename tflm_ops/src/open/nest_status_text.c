#include "nest/nest.h"

const char* nest_status_text(nest_status status) {
  switch (status) {
    case NEST_OK:
      return "ok";
    case NEST_ERROR_TRUNCATED:
      return "bytes of the packed op are missing or left over";
    case NEST_ERROR_ALIGNMENT:
      return "the packed op is not at a multiple of 4";
    case NEST_ERROR_MAGIC:
      return "not a packed nested op";
    case NEST_ERROR_VERSION:
      return "a packed op of another version";
    case NEST_ERROR_HEADER:
      return "a field of the packed op is out of range";
    case NEST_ERROR_GEOMETRY:
      return "packed shapes, strides and padding do not fit";
    case NEST_ERROR_SECTIONS:
      return "packed sections do not add up";
    case NEST_ERROR_INDEX:
      return "an index is past the end of its row";
    case NEST_ERROR_ACCUMULATOR:
      return "an accumulator could overflow";
    case NEST_ERROR_LEVEL:
      return "the op has no such level";
    case NEST_ERROR_KIND:
      return "the packed op is of another kind";
  }
  return "unknown status";
}
