/* What a .tflite says of its levels: sparsity, multiply-accumulates, predicted
 * instructions of each core, accuracy. Read where it lies, in flash; nothing is
 * allocated or copied.
 *
 *   nest_metadata metadata;
 *   if (nest_find_metadata(model, model_bytes, &metadata) != NEST_METADATA_OK)
 *
 * The buffer, version 1, little-endian, of 20 + 12 * levels + (16 + 4 * levels)
 * * cores bytes, no more and no fewer:
 *
 *   0   "NLVL"
 *   4   u8   version, 1
 *   5   u8   levels, 1..32
 *   6   u8   cores, 0..16
 *   7   u8   which of them the file was converted for; 255: none
 *   8   u8   nest_metric
 *   9        3 zero bytes
 *   12  u32  samples that the scores were measured on; 0 without a metric
 *   16  u32  bytes in all
 *   20       for each level: u32 sparsity in millionths, at most 1000000;
 *            u32 multiply-accumulates of one inference; u32 score in millionths
 *            of the metric's unit (an accuracy at most 1000000)
 *            for each core: its name, printable ASCII without spaces, filled up
 *            with zeros, one at least, to 16 bytes; u32 instructions[levels] of
 *            all nested ops
 *
 * A count or score of 0xffffffff is not known; every score is, without a
 * metric. No two cores have one name.
 */
#ifndef NEST_METADATA_H_
#define NEST_METADATA_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Name of the entry in the .tflite's `metadata`. */
#define NEST_METADATA_NAME "keras_nest_levels"
#define NEST_METADATA_VERSION 1
#define NEST_METADATA_MAX_CORES 16
#define NEST_UNKNOWN UINT32_MAX

typedef enum nest_metadata_status {
  NEST_METADATA_OK = 0,
  NEST_METADATA_MISSING,   /* the .tflite has no such entry */
  NEST_METADATA_TFLITE,    /* no .tflite, or one that leads past its end */
  NEST_METADATA_TRUNCATED, /* fewer or more bytes than the buffer says */
  NEST_METADATA_MAGIC,     /* other bytes than metadata of levels */
  NEST_METADATA_OTHER,     /* another version */
  NEST_METADATA_FIELD      /* a field out of range, a reserved byte not zero */
} nest_metadata_status;

typedef enum nest_metric {
  NEST_METRIC_NONE = 0,
  NEST_METRIC_ACCURACY = 1,
  NEST_METRIC_MSE = 2 /* mean squared error */
} nest_metric;

/* A validated view into a buffer, which must outlive it. */
typedef struct nest_metadata {
  const uint8_t* bytes;
  int32_t levels;
  int32_t cores;
  int32_t converted_for; /* -1: none */
  nest_metric metric;
  uint32_t samples;
} nest_metadata;

/* Finds the buffer in a .tflite of exactly `bytes` bytes and opens it. Reads no
 * byte outside, whatever the file holds; needs no alignment. */
nest_metadata_status nest_find_metadata(const void* tflite, size_t bytes,
                                        nest_metadata* metadata);

/* Validates a buffer of exactly `bytes` bytes, completely. After
 * NEST_METADATA_OK the functions below access nothing outside it; after an
 * error *metadata must not be used. */
nest_metadata_status nest_open_metadata(const void* buffer, size_t bytes,
                                        nest_metadata* metadata);

/* Of level 0..levels-1: share of the weights left out, in millionths. */
uint32_t nest_level_sparsity(const nest_metadata* metadata, int32_t level);

/* Multiply-accumulates of one inference, or NEST_UNKNOWN. */
uint32_t nest_level_macs(const nest_metadata* metadata, int32_t level);

/* Score in millionths of the metric's unit, or NEST_UNKNOWN. */
uint32_t nest_level_score(const nest_metadata* metadata, int32_t level);

/* Number of a core by its name, such as "cortex-m4" ("generic" for cores
 * without DSP instructions, "cortex-m55" for the Cortex-M85), -1 where it is
 * not there. NULL: the core that the file was converted for. */
int32_t nest_find_core(const nest_metadata* metadata, const char* name);

/* Predicted instructions of all nested ops on core 0..cores-1, or NEST_UNKNOWN.
 */
uint32_t nest_level_instructions(const nest_metadata* metadata, int32_t core,
                                 int32_t level);

#ifdef __cplusplus
}
#endif

#endif /* NEST_METADATA_H_ */
