// What TFLM gives an op, as the glue sees it: five tensors at most, and memory
// that may run out. The classes are those of host/include, which have the
// wheels' layout.
#ifndef NEST_FUZZ_GLUE_CONTEXT_H_
#define NEST_FUZZ_GLUE_CONTEXT_H_

#include "buffers.h"
#include "check.h"
#include "tensorflow/lite/micro/micro_context.h"

namespace nest_fuzz {

constexpr int kMostDims = 6;
constexpr int kTensors = 5;  // four inputs and the output
constexpr int kOutput = 4;

// As TFLM stores shapes and lists of tensors.
struct IntArray {
  int size;
  int data[kMostDims];

  TfLiteIntArray* AsTfLite() { return reinterpret_cast<TfLiteIntArray*>(this); }
};

class Context : public tflite::MicroContext {
 public:
  TfLiteTensor tensors[kTensors] = {};
  TfLiteEvalTensor eval_tensors[kTensors] = {};
  IntArray dims[kTensors] = {};
  int unavailable = -1;  // the tensor that there is no memory for
  bool has_persistent = true, has_scratch = true;
  void* scratch = nullptr;
  size_t scratch_bytes = 0;
  int temporaries = 0;  // that were not given back

  void* AllocatePersistentBuffer(size_t bytes) override {
    return has_persistent ? nest_fuzz_take(bytes, 0) : nullptr;
  }
  TfLiteStatus RequestScratchBufferInArena(size_t bytes, int* index) override {
    *index = 7;
    scratch_bytes = bytes;
    return has_scratch ? kTfLiteOk : kTfLiteError;
  }
  void* GetScratchBuffer(int index) override {
    REQUIRE(index == 7);
    return scratch;
  }
  TfLiteTensor* AllocateTempTfLiteTensor(int index) override {
    REQUIRE(0 <= index && index < kTensors);
    if (index == unavailable) return nullptr;
    ++temporaries;
    return &tensors[index];
  }
  void DeallocateTempTfLiteTensor(TfLiteTensor* tensor) override {
    REQUIRE(tensor >= tensors && tensor < tensors + kTensors);
    --temporaries;
  }
  uint8_t* AllocateTempBuffer(size_t, size_t) override { abort(); }
  void DeallocateTempBuffer(uint8_t*) override { abort(); }
  TfLiteEvalTensor* GetEvalTensor(int index) override {
    REQUIRE(0 <= index && index < kTensors);
    return &eval_tensors[index];
  }
};

}  // namespace nest_fuzz

#endif  // NEST_FUZZ_GLUE_CONTEXT_H_
