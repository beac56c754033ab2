// The stand-in's side of TFLM: what an interpreter would set up.

#ifndef STAND_IN_TFLM_H_
#define STAND_IN_TFLM_H_

#include "tensorflow/lite/micro/kernels/kernel_util.h"
#include "tensorflow/lite/micro/micro_context.h"

namespace stand_in {

// Tensors of the op: its inputs 0 to 2, its output 3.
constexpr int kTensors = 4;

struct Subgraph {
  TfLiteEvalTensor* tensors;
};

class Context : public tflite::MicroContext {
 public:
  void* AllocatePersistentBuffer(size_t bytes) override;
  TfLiteStatus RequestScratchBufferInArena(size_t bytes, int* index) override;
  void* GetScratchBuffer(int index) override;
  TfLiteTensor* AllocateTempTfLiteTensor(int index) override;
  void DeallocateTempTfLiteTensor(TfLiteTensor* tensor) override;
  TfLiteEvalTensor* GetEvalTensor(int index) override;

  TfLiteTensor tensors[kTensors];
  Subgraph* subgraphs;
  int current_subgraph;
  void* scratch[1];
  size_t scratch_bytes;

 private:
  uint64_t persistent_[64];
};

TfLiteContext MakeContext(Context* context);

}  // namespace stand_in

#endif  // STAND_IN_TFLM_H_
