// Stand-in for TFLM's header of the same name; see micro_common.h one folder
// up.

#ifndef NEST_HOST_KERNEL_UTIL_H_
#define NEST_HOST_KERNEL_UTIL_H_

#include "tensorflow/lite/micro/micro_common.h"

namespace tflite {
namespace micro {

inline TFLMRegistration RegisterOp(
    void* (*init)(TfLiteContext* context, const char* buffer, size_t length),
    TfLiteStatus (*prepare)(TfLiteContext* context, TfLiteNode* node),
    TfLiteStatus (*invoke)(TfLiteContext* context, TfLiteNode* node)) {
  return {init, nullptr, prepare, invoke, nullptr, 0, nullptr};
}

inline const TfLiteEvalTensor* GetEvalInput(const TfLiteContext* context,
                                            const TfLiteNode* node, int index) {
  return context->GetEvalTensor(context, node->inputs->data[index]);
}

inline TfLiteEvalTensor* GetEvalOutput(const TfLiteContext* context,
                                       const TfLiteNode* node, int index) {
  return context->GetEvalTensor(context, node->outputs->data[index]);
}

template <typename T>
T* GetTensorData(TfLiteEvalTensor* tensor) {
  return reinterpret_cast<T*>(tensor->data.raw);
}

template <typename T>
const T* GetTensorData(const TfLiteEvalTensor* tensor) {
  return reinterpret_cast<const T*>(tensor->data.raw);
}

}  // namespace micro
}  // namespace tflite

#endif  // NEST_HOST_KERNEL_UTIL_H_
