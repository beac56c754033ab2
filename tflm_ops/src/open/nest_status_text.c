#include "nest/nest.h"

const char* nest_status_text(nest_status status) {
  switch (status) {
    case NEST_OK:
      return "ok";
    case NEST_ERROR_TRUNCATED:
      return "the packed op has fewer or more bytes than its header says";
    case NEST_ERROR_ALIGNMENT:
      return "the packed op does not start at a multiple of 4 bytes";
    case NEST_ERROR_MAGIC:
      return "not a packed nested op";
    case NEST_ERROR_VERSION:
      return "a packed op of another format version";
    case NEST_ERROR_HEADER:
      return "a field of the packed op's header is out of range";
    case NEST_ERROR_GEOMETRY:
      return "the packed op's shapes, strides and padding do not fit together";
    case NEST_ERROR_SECTIONS:
      return "the packed op's sections do not add up";
    case NEST_ERROR_INDEX:
      return "an index of the packed op points past the end of its row";
    case NEST_ERROR_ACCUMULATOR:
      return "an accumulator of the packed op could overflow";
    case NEST_ERROR_LEVEL:
      return "the level is not one of the op's levels";
    case NEST_ERROR_KIND:
      return "the packed op is of another kind than the operator";
  }
  return "unknown status";
}
