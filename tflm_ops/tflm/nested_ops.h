// The nested ops for TensorFlow Lite Micro.
//
// A nested op reads its level, an int32 tensor, at each Invoke and runs the
// weights that are active at it. Write the level before every Invoke: TFLM may
// reuse its memory once the last op that reads it has run.
//
//   #include "tflm/nested_ops.h"
//   tflite::MicroMutableOpResolver<8> resolver;
//   tflite::micro::RegisterNestedOps(resolver);  // takes three places
//
// Build with all of src/ and tflm/*.cc of this folder's parent, which is to be
// an include path together with its folder include/.
//
// Needs no exceptions, no RTTI and no heap; C++11 and later; TFLM from 2023 on,
// before and after its move into the namespace tflite::micro.

#ifndef NEST_TFLM_NESTED_OPS_H_
#define NEST_TFLM_NESTED_OPS_H_

#include "tensorflow/lite/micro/micro_common.h"

namespace tflite {
namespace micro {

// Inputs: 0 the activations, int8 [batch, height, width, channels]; 1 the
// level, int32, one element; 2 the packed weights, uint8, constant, 4-byte
// aligned; 3, optional, which element of a level tensor of several the op
// reads, int32, constant, one element. Output: int8 [batch, height, width,
// channels].
TFLMRegistration* Register_NESTED_CONV_2D();
TFLMRegistration* Register_NESTED_DEPTHWISE_CONV_2D();

// As above; activations and output are rows of features, of any rank.
TFLMRegistration* Register_NESTED_FULLY_CONNECTED();

// Adds all nested ops to a resolver (MicroMutableOpResolver). Returns false
// where the resolver has no room for three more.
template <class Resolver>
bool RegisterNestedOps(Resolver& resolver) {
  return resolver.AddCustom("NESTED_CONV_2D", Register_NESTED_CONV_2D()) ==
             kTfLiteOk &&
         resolver.AddCustom("NESTED_DEPTHWISE_CONV_2D",
                            Register_NESTED_DEPTHWISE_CONV_2D()) == kTfLiteOk &&
         resolver.AddCustom("NESTED_FULLY_CONNECTED",
                            Register_NESTED_FULLY_CONNECTED()) == kTfLiteOk;
}

}  // namespace micro
}  // namespace tflite

#endif  // NEST_TFLM_NESTED_OPS_H_
