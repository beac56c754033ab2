// Stand-in for TFLM's header of the same name; see micro_common.h beside it.

#ifndef NEST_HOST_MICRO_CONTEXT_H_
#define NEST_HOST_MICRO_CONTEXT_H_

#include "tensorflow/lite/micro/micro_common.h"

namespace tflite {

// Only called, never constructed here: the order of the virtual functions is
// what matters. It is the same in all wheels admitted.
class MicroContext {
 public:
  virtual ~MicroContext() = default;
  virtual void* AllocatePersistentBuffer(size_t bytes) = 0;
  virtual TfLiteStatus RequestScratchBufferInArena(size_t bytes,
                                                   int* index) = 0;
  virtual void* GetScratchBuffer(int index) = 0;
  virtual TfLiteTensor* AllocateTempTfLiteTensor(int index) = 0;
  virtual void DeallocateTempTfLiteTensor(TfLiteTensor* tensor) = 0;
  virtual uint8_t* AllocateTempBuffer(size_t size, size_t alignment) = 0;
  virtual void DeallocateTempBuffer(uint8_t* buffer) = 0;
  virtual TfLiteEvalTensor* GetEvalTensor(int index) = 0;

  TfLiteTensor* AllocateTempInputTensor(const TfLiteNode* node, int index) {
    return Temp(node->inputs, index);
  }
  TfLiteTensor* AllocateTempOutputTensor(const TfLiteNode* node, int index) {
    return Temp(node->outputs, index);
  }

 private:
  TfLiteTensor* Temp(const TfLiteIntArray* tensors, int index) {
    if (index < 0 || index >= tensors->size || tensors->data[index] < 0) {
      return nullptr;
    }
    return AllocateTempTfLiteTensor(tensors->data[index]);
  }
};

// Which word of TfLiteContext points to the MicroContext: set by the registerer
// that was called, from the wheel's version (plugin.cc).
extern int micro_context_word;

inline MicroContext* GetMicroContext(const TfLiteContext* context) {
  return static_cast<MicroContext*>(context->words[micro_context_word]);
}

}  // namespace tflite

#endif  // NEST_HOST_MICRO_CONTEXT_H_
