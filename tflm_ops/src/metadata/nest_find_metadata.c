#include <string.h>

#include "layout.h"

/* The few parts of a flatbuffer that lead to a named buffer, with every offset
 * checked. Fields are numbered as in TensorFlow Lite's schema. */
enum {
  MODEL_BUFFERS = 4,
  MODEL_METADATA = 6,
  METADATA_NAME = 0,
  METADATA_BUFFER = 1,
  BUFFER_DATA = 0
};

typedef struct file {
  const uint8_t* bytes;
  size_t size;
} file;

typedef struct vector {
  size_t start; /* of the first element */
  uint32_t count;
} vector;

/* A place in the file is below its size; 0, where the file starts, is none. */
static int holds(const file* f, size_t at, size_t bytes) {
  return at != 0 && at <= f->size && f->size - at >= bytes;
}

/* Follows the offset stored at a place. */
static size_t follow(const file* f, size_t at) {
  if (!holds(f, at, 4)) {
    return 0;
  }
  const uint32_t offset = nest_u32_at(f->bytes + at);
  return offset != 0 && offset < f->size - at ? at + offset : 0;
}

/* The place of a table's field; 0 where it has its default, or is damaged. */
static size_t field(const file* f, size_t table, uint32_t number) {
  if (!holds(f, table, 4)) {
    return 0;
  }
  const uint32_t back = nest_u32_at(f->bytes + table);
  /* A signed distance towards the start; unsigned, it wraps to the same. */
  const size_t vtable = (uint32_t)table - back;
  const size_t entry = 4 + 2 * (size_t)number;
  if (!holds(f, vtable, 4)) {
    return 0;
  }
  const size_t length = f->bytes[vtable] | (size_t)f->bytes[vtable + 1] << 8;
  if (length < entry + 2 || !holds(f, vtable, length)) {
    return 0;
  }
  const uint8_t* at = f->bytes + vtable + entry;
  const size_t offset = at[0] | (size_t)at[1] << 8;
  return offset != 0 && holds(f, table, offset + 4) ? table + offset : 0;
}

static vector vector_of(const file* f, size_t table, uint32_t number,
                        size_t element_bytes) {
  vector found = {0, 0};
  const size_t at = follow(f, field(f, table, number));
  if (holds(f, at, 4)) {
    const uint32_t count = nest_u32_at(f->bytes + at);
    if (count <= (f->size - at - 4) / element_bytes) {
      found.start = at + 4;
      found.count = count;
    }
  }
  return found;
}

static int is_ours(const file* f, size_t entry) {
  static const char name[] = NEST_METADATA_NAME;
  const vector found = vector_of(f, entry, METADATA_NAME, 1);
  return found.count == sizeof(name) - 1 &&
         memcmp(f->bytes + found.start, name, found.count) == 0;
}

nest_metadata_status nest_find_metadata(const void* tflite, size_t bytes,
                                        nest_metadata* metadata) {
  const file f = {(const uint8_t*)tflite, bytes};
  /* Offsets have 32 bits. */
  if (tflite == NULL || bytes < 8 || bytes > UINT32_MAX ||
      memcmp(f.bytes + 4, "TFL3", 4) != 0) {
    return NEST_METADATA_TFLITE;
  }
  const uint32_t root = nest_u32_at(f.bytes);
  if (!holds(&f, root, 4)) {
    return NEST_METADATA_TFLITE;
  }
  const vector entries = vector_of(&f, root, MODEL_METADATA, 4);
  for (uint32_t i = 0; i < entries.count; ++i) {
    const size_t entry = follow(&f, entries.start + 4 * (size_t)i);
    if (!is_ours(&f, entry)) {
      continue;
    }
    const size_t place = field(&f, entry, METADATA_BUFFER);
    const uint32_t number = place == 0 ? 0 : nest_u32_at(f.bytes + place);
    const vector buffers = vector_of(&f, root, MODEL_BUFFERS, 4);
    if (number >= buffers.count) {
      return NEST_METADATA_TFLITE;
    }
    const size_t buffer = follow(&f, buffers.start + 4 * (size_t)number);
    const vector data = vector_of(&f, buffer, BUFFER_DATA, 1);
    return nest_open_metadata(f.bytes + data.start, data.count, metadata);
  }
  return NEST_METADATA_MISSING;
}
