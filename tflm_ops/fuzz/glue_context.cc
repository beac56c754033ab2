// The calls of TfLiteContext, as in host/tflm_plugin.cc, and what it prints.
#include "glue_context.h"

#include <cstdarg>
#include <cstdio>

#include "tensorflow/lite/micro/micro_log.h"

namespace tflite {
int micro_context_word = 0;
}  // namespace tflite

void* TfLiteContext::AllocatePersistentBuffer(TfLiteContext* context,
                                              size_t bytes) {
  return tflite::GetMicroContext(context)->AllocatePersistentBuffer(bytes);
}

TfLiteStatus TfLiteContext::RequestScratchBufferInArena(TfLiteContext* context,
                                                        size_t bytes,
                                                        int* index) {
  return tflite::GetMicroContext(context)->RequestScratchBufferInArena(bytes,
                                                                       index);
}

void* TfLiteContext::GetScratchBuffer(TfLiteContext* context, int index) {
  return tflite::GetMicroContext(context)->GetScratchBuffer(index);
}

TfLiteEvalTensor* TfLiteContext::GetEvalTensor(const TfLiteContext* context,
                                               int index) const {
  return tflite::GetMicroContext(context)->GetEvalTensor(index);
}

void MicroPrintf(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  REQUIRE(length > 0 && static_cast<size_t>(length) < sizeof(text));
}
