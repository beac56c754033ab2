// Stand-in for TFLM's headers on a 32-bit core: what the glue in tflm_ops/tflm
// uses, reached over as many calls as in TFLM (a function pointer of the
// context, a virtual function of the MicroContext, the subgraph's tensors).
//
// With STAND_IN_MOVED as TFLM since October 2026: all names in tflite::micro.

#ifndef STAND_IN_MICRO_COMMON_H_
#define STAND_IN_MICRO_COMMON_H_

#include <stddef.h>
#include <stdint.h>

#if defined(STAND_IN_MOVED)
#define STAND_IN_TYPES_OPEN \
  namespace tflite {        \
  namespace micro {
#define STAND_IN_TYPES_CLOSE \
  }                          \
  }
#define STAND_IN_CLASSES_OPEN STAND_IN_TYPES_OPEN
#define STAND_IN_CLASSES_CLOSE STAND_IN_TYPES_CLOSE
#else
#define STAND_IN_TYPES_OPEN
#define STAND_IN_TYPES_CLOSE
#define STAND_IN_CLASSES_OPEN namespace tflite {
#define STAND_IN_CLASSES_CLOSE }
#endif

STAND_IN_TYPES_OPEN

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

enum TfLiteType {
  kTfLiteFloat32 = 1,
  kTfLiteInt32 = 2,
  kTfLiteUInt8 = 3,
  kTfLiteInt8 = 9
};

struct TfLiteIntArray {
  int size;
  int data[4];
};

struct TfLiteQuantizationParams {
  float scale;
  int32_t zero_point;
};

union TfLitePtrUnion {
  char* raw;
  void* data;
  int32_t* i32;
  int8_t* int8;
  float* f;
};

struct TfLiteTensor {
  TfLiteQuantizationParams params;
  TfLitePtrUnion data;
  TfLiteIntArray* dims;
  size_t bytes;
  TfLiteType type;
};

struct TfLiteEvalTensor {
  TfLitePtrUnion data;
  TfLiteIntArray* dims;
  TfLiteType type;
};

struct TfLiteNode {
  TfLiteIntArray* inputs;
  TfLiteIntArray* outputs;
  void* user_data;
};

struct TfLiteContext {
  void* impl_;
  void* (*AllocatePersistentBuffer)(TfLiteContext* context, size_t bytes);
  TfLiteStatus (*RequestScratchBufferInArena)(TfLiteContext* context,
                                              size_t bytes, int* index);
  void* (*GetScratchBuffer)(TfLiteContext* context, int index);
  TfLiteEvalTensor* (*GetEvalTensor)(const TfLiteContext* context, int index);
};

struct TFLMRegistration {
  void* (*init)(TfLiteContext* context, const char* buffer, size_t length);
  void (*free)(TfLiteContext* context, void* buffer);
  TfLiteStatus (*prepare)(TfLiteContext* context, TfLiteNode* node);
  TfLiteStatus (*invoke)(TfLiteContext* context, TfLiteNode* node);
  void (*reset)(TfLiteContext* context, void* buffer);
  int32_t builtin_code;
  const char* custom_name;
};

STAND_IN_TYPES_CLOSE

#endif  // STAND_IN_MICRO_COMMON_H_
