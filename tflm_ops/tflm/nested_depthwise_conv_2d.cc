#include "tflm/nested_op.h"
#include "tflm/nested_ops.h"

namespace tflite {
namespace micro {
namespace {

void* Init(TfLiteContext* context, const char*, size_t) {
  return NestedInit(context, nest_glue::kDepthwiseConv2D);
}

}  // namespace

TFLMRegistration* Register_NESTED_DEPTHWISE_CONV_2D() {
  static TFLMRegistration registration =
      RegisterOp(Init, NestedPrepare, NestedEval);
  return &registration;
}

}  // namespace micro
}  // namespace tflite
