// Stand-in; see micro_common.h beside it.

#ifndef STAND_IN_MICRO_CONTEXT_H_
#define STAND_IN_MICRO_CONTEXT_H_

#include "tensorflow/lite/micro/micro_common.h"

STAND_IN_CLASSES_OPEN

class MicroContext {
 public:
  virtual void* AllocatePersistentBuffer(size_t bytes) = 0;
  virtual TfLiteStatus RequestScratchBufferInArena(size_t bytes,
                                                   int* index) = 0;
  virtual void* GetScratchBuffer(int index) = 0;
  virtual TfLiteTensor* AllocateTempTfLiteTensor(int index) = 0;
  virtual void DeallocateTempTfLiteTensor(TfLiteTensor* tensor) = 0;
  virtual TfLiteEvalTensor* GetEvalTensor(int index) = 0;

  virtual TfLiteTensor* AllocateTempInputTensor(const TfLiteNode* node,
                                                int index);
  virtual TfLiteTensor* AllocateTempOutputTensor(const TfLiteNode* node,
                                                 int index);
};

inline MicroContext* GetMicroContext(const TfLiteContext* context) {
  return reinterpret_cast<MicroContext*>(context->impl_);
}

STAND_IN_CLASSES_CLOSE

#endif  // STAND_IN_MICRO_CONTEXT_H_
