/* Metadata of levels: a buffer written by hand, byte by byte. */
#include <string.h>

#include "check.h"
#include "nest/metadata.h"

/* Two levels, sparsities 0.9 and 0.5; two cores, converted for the second. */
static const uint8_t buffer[] = {
    'N',  'L',  'V',  'L',  1,    2,    2,    1,    1,   0, 0, 0, /* accuracy */
    0x10, 0x27, 0,    0,    92,   0,    0,    0, /* 10,000 samples; 92 bytes */
    0xa0, 0xbb, 0x0d, 0,    0xe8, 3,    0,    0, /* 0.9; 1,000 */
    0x20, 0xa1, 0x07, 0,                         /* accuracy 0.5 */
    0x20, 0xa1, 0x07, 0,    0,    0,    1,    0, /* 0.5; 65,536 */
    0xff, 0xff, 0xff, 0xff,                      /* not known */
    'g',  'e',  'n',  'e',  'r',  'i',  'c',  0,    0,   0, 0, 0,   0,
    0,    0,    0,    7,    0,    0,    0,    8,    0,   0, 0, 'm', '4',
    0,    0,    0,    0,    0,    0,    0,    0,    0,   0, 0, 0,   0,
    0,    5,    0,    0,    0,    0xff, 0xff, 0xff, 0xff};

static void open_buffer(void) {
  nest_metadata metadata;
  CHECK(nest_open_metadata(buffer, sizeof(buffer), &metadata) ==
        NEST_METADATA_OK);
  CHECK(metadata.levels == 2 && metadata.cores == 2);
  CHECK(metadata.converted_for == 1 && metadata.samples == 10000);
  CHECK(metadata.metric == NEST_METRIC_ACCURACY);
  CHECK(nest_level_sparsity(&metadata, 0) == 900000);
  CHECK(nest_level_sparsity(&metadata, 1) == 500000);
  CHECK(nest_level_macs(&metadata, 0) == 1000);
  CHECK(nest_level_macs(&metadata, 1) == 65536);
  CHECK(nest_level_score(&metadata, 0) == 500000);
  CHECK(nest_level_score(&metadata, 1) == NEST_UNKNOWN);
  CHECK(nest_find_core(&metadata, "generic") == 0);
  CHECK(nest_find_core(&metadata, "m4") == 1);
  CHECK(nest_find_core(&metadata, NULL) == 1);
  CHECK(nest_find_core(&metadata, "m") == -1);
  CHECK(nest_level_instructions(&metadata, 0, 1) == 8);
  CHECK(nest_level_instructions(&metadata, 1, 0) == 5);
  CHECK(nest_level_instructions(&metadata, 1, 1) == NEST_UNKNOWN);
}

static nest_metadata_status changed(size_t at, uint8_t value) {
  uint8_t copy[sizeof(buffer)];
  nest_metadata metadata;
  memcpy(copy, buffer, sizeof(copy));
  copy[at] = value;
  return nest_open_metadata(copy, sizeof(copy), &metadata);
}

static void refuse_other_buffers(void) {
  nest_metadata metadata;
  for (size_t size = 0; size < sizeof(buffer); ++size) {
    CHECK(nest_open_metadata(buffer, size, &metadata) ==
          NEST_METADATA_TRUNCATED);
  }
  CHECK(nest_open_metadata(NULL, 0, &metadata) == NEST_METADATA_TRUNCATED);
  CHECK(changed(0, 'n') == NEST_METADATA_MAGIC);
  CHECK(changed(4, 2) == NEST_METADATA_OTHER);
  CHECK(changed(5, 0) == NEST_METADATA_FIELD);       /* levels */
  CHECK(changed(5, 33) == NEST_METADATA_FIELD);      /* levels */
  CHECK(changed(5, 3) == NEST_METADATA_TRUNCATED);   /* levels */
  CHECK(changed(6, 17) == NEST_METADATA_FIELD);      /* cores */
  CHECK(changed(7, 2) == NEST_METADATA_FIELD);       /* converted for */
  CHECK(changed(7, 255) == NEST_METADATA_OK);        /* for none */
  CHECK(changed(8, 0) == NEST_METADATA_FIELD);       /* no metric */
  CHECK(changed(8, 2) == NEST_METADATA_OK);          /* mse */
  CHECK(changed(8, 3) == NEST_METADATA_FIELD);       /* metric */
  CHECK(changed(11, 1) == NEST_METADATA_FIELD);      /* reserved */
  CHECK(changed(16, 93) == NEST_METADATA_TRUNCATED); /* total */
  CHECK(changed(22, 0x10) == NEST_METADATA_FIELD);   /* sparsity */
  CHECK(changed(30, 0x10) == NEST_METADATA_FIELD);   /* accuracy */
  CHECK(changed(44, ' ') == NEST_METADATA_FIELD);    /* name */
  CHECK(changed(44, 0) == NEST_METADATA_FIELD);      /* name */
  CHECK(changed(58, 'x') == NEST_METADATA_FIELD);    /* name */
  CHECK(changed(70, 'x') == NEST_METADATA_OK);       /* "m4x" */
}

void read_metadata(void); /* nest_test.c */

void read_metadata(void) {
  open_buffer();
  refuse_other_buffers();
}
