// Puts the nested ops into the interpreter of the `tflite-micro` wheel, which
// looks its `custom_op_registerers` up by name. Nothing here is linked against
// the wheel: the ops reach TFLM through pointers only, so the order of loading
// does not matter.

#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "tensorflow/lite/micro/micro_context.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tflm/nested_ops.h"

#define NEST_EXPORT __attribute__((visibility("default")))

namespace {

constexpr int32_t kBuiltinAbs = 101;
constexpr int32_t kBuiltinCustom = 32;

// The beginning of the wheel's PythonOpsResolver, a
// MicroMutableOpResolver<200>.
struct PythonOpsResolver {
  static constexpr unsigned int kCapacity = 200;

  void* virtual_table;
  TFLMRegistration registrations[kCapacity];
  unsigned int length;

  // ABS is the first op that the wheel adds: seeing it there, and a count that
  // fits, means that the layout is the one above.
  bool IsKnown() const {
    return length > 0 && length <= kCapacity &&
           registrations[0].builtin_code == kBuiltinAbs;
  }

  TfLiteStatus AddCustom(const char* name,
                         const TFLMRegistration* registration) {
    if (length >= kCapacity) {
      MicroPrintf("%s: the resolver is full", name);
      return kTfLiteError;
    }
    registrations[length] = *registration;
    registrations[length].builtin_code = kBuiltinCustom;
    registrations[length].custom_name = name;
    ++length;
    return kTfLiteOk;
  }
};

bool Register(PythonOpsResolver* resolver, int micro_context_word) {
  if (!resolver->IsKnown()) {
    MicroPrintf(
        "keras-nest: the op resolver of this tflite-micro is not known");
    return false;
  }
  tflite::micro_context_word = micro_context_word;
  return tflite::micro::RegisterNestedOps(*resolver);
}

}  // namespace

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
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
}

// Wheels until 2026-09: TfLiteContext is TensorFlow's, `impl_` its fourth word.
extern "C" NEST_EXPORT bool nest_register_ops_2026_02(
    PythonOpsResolver* resolver) {
  return Register(resolver, 3);
}

// Wheels from 2026-10-08: TfLiteContext is TFLM's own and holds `impl_` alone.
extern "C" NEST_EXPORT bool nest_register_ops_2026_10(
    PythonOpsResolver* resolver) {
  return Register(resolver, 0);
}
