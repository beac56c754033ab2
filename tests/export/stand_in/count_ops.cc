// Prints how many ops the model's resolver has; exits with 1 where it refuses
// one, or has room for more.

#include <stdio.h>

#include "nest_ops.h"

namespace tflite {
namespace micro {

TFLMRegistration* Register_NESTED_CONV_2D() {
  static TFLMRegistration registration = {};
  return &registration;
}
TFLMRegistration* Register_NESTED_DEPTHWISE_CONV_2D() {
  return Register_NESTED_CONV_2D();
}
TFLMRegistration* Register_NESTED_FULLY_CONNECTED() {
  return Register_NESTED_CONV_2D();
}

TfLiteStatus AddOneMore(NestModelOpResolver& resolver) {
  return resolver.AddCustom("one more", Register_NESTED_CONV_2D());
}
constexpr TfLiteStatus kRefused = kTfLiteError;

}  // namespace micro
}  // namespace tflite

int main() {
  nest_model::OpResolver resolver;
  if (!nest_model::AddOps(resolver) ||
      tflite::micro::AddOneMore(resolver) != tflite::micro::kRefused) {
    return 1;
  }
  printf("%u\n", resolver.count());
  return 0;
}
