#include "nest/nest.h"

const char* nest_status_text(nest_status status) {
  switch (status) {
    case NEST_OK:
      return "ok";
    case NEST_ERROR_TRUNCATED:
      return "packed bytes are missing or left over";
    case NEST_ERROR_ALIGNMENT:
      return "packed op not at a multiple of 4";
    case NEST_ERROR_MAGIC:
      return "not a packed nested op";
    case NEST_ERROR_VERSION:
      return "packed op of another version";
    case NEST_ERROR_HEADER:
      return "packed field out of range";
    case NEST_ERROR_GEOMETRY:
      return "packed shapes do not fit";
    case NEST_ERROR_SECTIONS:
      return "packed sections do not add up";
    case NEST_ERROR_INDEX:
      return "index past the end of its row";
    case NEST_ERROR_ACCUMULATOR:
      return "accumulator could overflow";
    case NEST_ERROR_LEVEL:
      return "no such level";
    case NEST_ERROR_KIND:
      return "packed op of another kind";
  }
  return "unknown status";
}
