// Stand-in for TFLM's header of the same name, for the host plugin only: the
// tflite-micro wheel ships no headers. It declares what the glue in
// tflm_ops/tflm uses, with the memory layout of the wheels (64-bit Linux, built
// with TF_LITE_STATIC_MEMORY). keras_nest/runtime/tflm.py admits only wheels
// for which this layout was tested.

#ifndef NEST_HOST_MICRO_COMMON_H_
#define NEST_HOST_MICRO_COMMON_H_

#include <cstddef>
#include <cstdint>

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

enum TfLiteType : int { kTfLiteInt32 = 2, kTfLiteUInt8 = 3, kTfLiteInt8 = 9 };

struct TfLiteIntArray {
  int size;
  int data[1];
};

struct TfLiteQuantization {
  int type;
  void* params;
};

struct TfLiteQuantizationParams {
  float scale;
  int32_t zero_point;
};

union TfLitePtrUnion {
  char* raw;
  void* data;
};

struct TfLiteTensor {
  TfLiteQuantization quantization;
  TfLiteQuantizationParams params;
  TfLitePtrUnion data;
  TfLiteIntArray* dims;
  size_t bytes;
  TfLiteType type;
  int allocation_type;
  bool is_variable;
};

struct TfLiteEvalTensor {
  TfLitePtrUnion data;
  TfLiteIntArray* dims;
  TfLiteType type;
};

struct TfLiteNode {
  TfLiteIntArray* inputs;
  TfLiteIntArray* outputs;
  TfLiteIntArray* intermediates;
  void* user_data;
  void* builtin_data;
  const void* custom_initial_data;
  int custom_initial_data_size;
};

// In every wheel this struct holds a pointer to the MicroContext; only its
// place moved, and the older wheels' function pointers are gone from the newer
// ones. So everything goes through the MicroContext here, behind the same
// calls.
struct TfLiteContext {
  void* words[4];

  void* AllocatePersistentBuffer(TfLiteContext* context, size_t bytes);
  TfLiteStatus RequestScratchBufferInArena(TfLiteContext* context, size_t bytes,
                                           int* index);
  void* GetScratchBuffer(TfLiteContext* context, int index);
  TfLiteEvalTensor* GetEvalTensor(const TfLiteContext* context,
                                  int index) const;
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

static_assert(sizeof(void*) == 8, "the wheels are for 64-bit machines");
static_assert(offsetof(TfLiteTensor, params) == 16, "TfLiteTensor");
static_assert(offsetof(TfLiteTensor, dims) == 32, "TfLiteTensor");
static_assert(offsetof(TfLiteTensor, type) == 48, "TfLiteTensor");
static_assert(offsetof(TfLiteNode, user_data) == 24, "TfLiteNode");
static_assert(sizeof(TFLMRegistration) == 56, "TFLMRegistration");

#endif  // NEST_HOST_MICRO_COMMON_H_
