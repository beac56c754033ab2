// Stand-in for the parts of TFLM that the glue calls: one model of one op at a
// time, whose tensors and memory the caller sets.

#include "tflm.h"

namespace tflite {
namespace {

TfLiteTensor* TempTensor(MicroContext* context, const TfLiteIntArray& tensors,
                         int index) {
  if (index < 0 || index >= tensors.size) {
    return nullptr;
  }
  return context->AllocateTempTfLiteTensor(tensors.data[index]);
}

}  // namespace

TfLiteTensor* MicroContext::AllocateTempInputTensor(const TfLiteNode* node,
                                                    int index) {
  return TempTensor(this, *node->inputs, index);
}

TfLiteTensor* MicroContext::AllocateTempOutputTensor(const TfLiteNode* node,
                                                     int index) {
  return TempTensor(this, *node->outputs, index);
}

namespace micro {
namespace {

int TensorIndex(int index, const TfLiteIntArray& tensors) {
  if (index >= 0 && index < tensors.size && tensors.data[index] >= 0) {
    return tensors.data[index];
  }
  return -1;
}

}  // namespace

TFLMRegistration RegisterOp(
    void* (*init)(TfLiteContext* context, const char* buffer, size_t length),
    TfLiteStatus (*prepare)(TfLiteContext* context, TfLiteNode* node),
    TfLiteStatus (*invoke)(TfLiteContext* context, TfLiteNode* node)) {
  return {init, nullptr, prepare, invoke, nullptr, 0, nullptr};
}

const TfLiteEvalTensor* GetEvalInput(const TfLiteContext* context,
                                     const TfLiteNode* node, int index) {
  const int tensor = TensorIndex(index, *node->inputs);
  return tensor < 0 ? nullptr : context->GetEvalTensor(context, tensor);
}

TfLiteEvalTensor* GetEvalOutput(const TfLiteContext* context,
                                const TfLiteNode* node, int index) {
  const int tensor = TensorIndex(index, *node->outputs);
  return tensor < 0 ? nullptr : context->GetEvalTensor(context, tensor);
}

}  // namespace micro
}  // namespace tflite

namespace stand_in {
namespace {

void* AllocatePersistentBuffer(TfLiteContext* context, size_t bytes) {
  return tflite::GetMicroContext(context)->AllocatePersistentBuffer(bytes);
}

TfLiteStatus RequestScratchBufferInArena(TfLiteContext* context, size_t bytes,
                                         int* index) {
  return tflite::GetMicroContext(context)->RequestScratchBufferInArena(bytes,
                                                                       index);
}

void* GetScratchBuffer(TfLiteContext* context, int index) {
  return tflite::GetMicroContext(context)->GetScratchBuffer(index);
}

TfLiteEvalTensor* GetEvalTensor(const TfLiteContext* context, int index) {
  return tflite::GetMicroContext(context)->GetEvalTensor(index);
}

}  // namespace

TfLiteContext MakeContext(Context* context) {
  return {static_cast<tflite::MicroContext*>(context), AllocatePersistentBuffer,
          RequestScratchBufferInArena, GetScratchBuffer, GetEvalTensor};
}

}  // namespace stand_in
