// libFuzzer target: a nested op in TFLM, from Init to Eval, of any tensors.
//
// 32 bytes say in what the tensors differ from those that the packed op asks
// for, then the packed op follows. Whatever both are, Prepare refuses the op or
// Eval writes its output and nothing else.
#include <algorithm>
#include <cstring>

#include "glue_context.h"
#include "mutator.h"
#include "open_op.h"
#include "tflm/nested_op.h"
#include "tflm/nested_ops.h"

namespace {

using nest_fuzz::kOutput;

enum { kChoices = 32, kMostBytes = 1 << 16, kMostMacs = 1 << 16 };

// The bytes that choose, by what they are about.
enum Choice {
  kKernel,
  kInputs,
  kOutputs,
  kUnavailable,
  kTypes,  // of the five tensors
  kLevels = kTypes + nest_fuzz::kTensors,
  kEntry,
  kEntryBytes,
  kEntryData,
  kPackedData,
  kZeroPoints,
  kBatch = kZeroPoints + 2,
  kRank,
  kMemory,
  kLevel,
  kOptions,
  kInputDim,  // which and four bytes
  kOutputDim = kInputDim + 5
};
static_assert(kOutputDim + 5 <= kChoices, "all choices have a byte");

// Most often what is right.
int Choose(uint8_t choice, int right, int any) {
  return choice < 224 ? right : any;
}

int U32(const uint8_t* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof(value));
  return static_cast<int>(value);
}

// As TFLM counts them: without a look at overflow.
size_t Bytes(const nest_fuzz::IntArray& dims) {
  size_t count = 1;
  for (int i = 0; i < dims.size; ++i) {
    count *= static_cast<size_t>(dims.data[i]);
  }
  return count;
}

// The shape that a header asks for at `at`, but for one dimension.
void SetShape(const uint8_t* choices, const uint8_t* changed,
              const uint8_t* header, size_t at, nest_fuzz::IntArray* dims) {
  const int h = U32(header + at), w = U32(header + at + 4);
  const int c = U32(header + at + 8);
  const int batch = Choose(choices[kBatch], 1, choices[kBatch] % 4);
  if (header[NEST_HEADER_OP_U8] != NEST_FULLY_CONNECTED) {
    *dims = {4, {batch, h, w, c}};
  } else if (choices[kRank] % 2 == 0) {
    *dims = {2, {w, c}};
  } else {
    *dims = {3, {1, w, c}};
  }
  dims->size = Choose(choices[kRank], dims->size, choices[kRank] % 7);
  if (changed[0] >= 224) {
    dims->data[changed[0] % nest_fuzz::kMostDims] = U32(changed + 1);
  }
}

void SetTensors(const uint8_t* choices, const uint8_t* packed, size_t size,
                int32_t* entry, nest_fuzz::Context* context) {
  uint8_t header[NEST_HEADER_BYTES] = {};
  std::memcpy(header, packed, std::min(size, sizeof(header)));
  SetShape(choices, choices + kInputDim, header, NEST_HEADER_IN_H_U32,
           &context->dims[0]);
  SetShape(choices, choices + kOutputDim, header, NEST_HEADER_OUT_H_U32,
           &context->dims[kOutput]);
  const TfLiteType types[] = {kTfLiteInt8, kTfLiteInt32, kTfLiteUInt8,
                              kTfLiteInt32, kTfLiteInt8};
  for (int i = 0; i < nest_fuzz::kTensors; ++i) {
    const uint8_t choice = choices[kTypes + i];
    TfLiteTensor* tensor = &context->tensors[i];
    tensor->type =
        static_cast<TfLiteType>(Choose(choice, types[i], choice % 10));
    tensor->dims = context->dims[i].AsTfLite();
    tensor->bytes = Bytes(context->dims[i]);
  }
  const uint8_t* points = choices + kZeroPoints;
  context->tensors[0].params.zero_point = Choose(
      points[0], static_cast<int8_t>(header[NEST_HEADER_INPUT_ZERO_POINT_I8]),
      points[0]);
  context->tensors[kOutput].params.zero_point = Choose(
      points[1], static_cast<int8_t>(header[NEST_HEADER_OUTPUT_ZERO_POINT_I8]),
      points[1]);
  const size_t levels = static_cast<size_t>(
      Choose(choices[kLevels], 1 + choices[kInputs] % 2, choices[kLevels]));
  context->tensors[1].bytes = levels % 8 * sizeof(int32_t);
  context->tensors[2].bytes = size;
  if (choices[kPackedData] < 250) {
    context->tensors[2].data.data = const_cast<uint8_t*>(packed);
  }
  *entry = static_cast<int8_t>(choices[kEntry]);
  context->tensors[3].bytes = static_cast<size_t>(
      Choose(choices[kEntryBytes], sizeof(*entry), choices[kEntryBytes] % 9));
  if (choices[kEntryData] < 250) context->tensors[3].data.data = entry;
  const int missing = choices[kUnavailable];
  context->unavailable = Choose(missing, -1, missing % nest_fuzz::kTensors);
  context->has_persistent = choices[kMemory] < 250;
  context->has_scratch = choices[kMemory] < 245;
}

void Eval(const uint8_t* choices, const nest_op& op,
          const TFLMRegistration& registration, TfLiteContext* tflite,
          TfLiteNode* node, nest_fuzz::Context* context) {
  const size_t in = context->tensors[0].bytes;
  const size_t out = context->tensors[kOutput].bytes;
  if (in > kMostBytes || out > kMostBytes ||
      context->scratch_bytes > kMostBytes ||
      static_cast<int64_t>(out) * op.columns > kMostMacs) {
    return;
  }
  int8_t* input = static_cast<int8_t*>(nest_fuzz_take(in, 0));
  int8_t* output = static_cast<int8_t*>(nest_fuzz_take(out, 0));
  // None where an op asks for none.
  context->scratch = nest_fuzz_take(context->scratch_bytes, 0);
  int32_t* level =
      static_cast<int32_t*>(nest_fuzz_take(context->tensors[1].bytes, 0));
  for (size_t i = 0; i < in; ++i) {
    input[i] = static_cast<int8_t>(i * 97 + choices[i % kChoices]);
  }
  std::memset(output, 99, out);
  const int8_t value = static_cast<int8_t>(choices[kLevel]);
  for (size_t i = 0; i < context->tensors[1].bytes / sizeof(*level); ++i) {
    level[i] = value < 32 ? value : INT32_MAX;
  }
  context->eval_tensors[0].data.data = input;
  context->eval_tensors[1].data.data = level;
  context->eval_tensors[kOutput].data.data = output;
  const TfLiteStatus status = registration.invoke(tflite, node);
  const bool has_level = value >= 0 && value < op.levels;
  // Of a batch of none there is nothing to refuse.
  REQUIRE(out == 0 || (status == kTfLiteOk) == has_level);
  for (size_t i = 0; i < out; ++i) {
    REQUIRE(has_level ? op.act_min <= output[i] && output[i] <= op.act_max
                      : output[i] == 99);
  }
}

void Run(const uint8_t* choices, const uint8_t* packed, size_t size) {
  static const TFLMRegistration* const registrations[] = {
      tflite::micro::Register_NESTED_CONV_2D(),
      tflite::micro::Register_NESTED_DEPTHWISE_CONV_2D(),
      tflite::micro::Register_NESTED_FULLY_CONNECTED()};
  const int kind = size > NEST_HEADER_OP_U8 ? packed[NEST_HEADER_OP_U8] : 1;
  const TFLMRegistration& registration = *registrations[Choose(
      choices[kKernel], (kind + 2) % 3, choices[kKernel] % 3)];
  nest_fuzz::Context context;
  int32_t entry = 0;
  SetTensors(choices, packed, size, &entry, &context);
  nest_fuzz::IntArray inputs = {3 + choices[kInputs] % 2, {0, 1, 2, 3}};
  inputs.size = Choose(choices[kInputs], inputs.size, choices[kInputs] % 5);
  if (choices[kUnavailable] == 255) inputs.data[2] = -1;  // an optional tensor
  nest_fuzz::IntArray outputs = {
      Choose(choices[kOutputs], 1, choices[kOutputs] % 3), {kOutput, kOutput}};
  TfLiteContext tflite = {{static_cast<tflite::MicroContext*>(&context)}};
  TfLiteNode node = {};
  node.inputs = inputs.AsTfLite();
  node.outputs = outputs.AsTfLite();
  // Custom options, which are for people: no byte of them is read.
  const size_t options = choices[kOptions];
  const char* text = static_cast<const char*>(nest_fuzz_take(0, 0));
  node.user_data = registration.init(&tflite, text, options);
  const TfLiteStatus status = registration.prepare(&tflite, &node);
  REQUIRE(context.temporaries == 0);
  nest_op op;
  if (status != kTfLiteOk) return;
  REQUIRE(nest_fuzz_open(packed, size, &op) == NEST_OK);
  Eval(choices, op, registration, &tflite, &node, &context);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kChoices) return 0;
  // libFuzzer's copy has exactly this size.
  Run(data, data + kChoices, size - kChoices);
  nest_fuzz_give_back();
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size,
                                          size_t max_size, unsigned int seed) {
  if (size < kChoices || seed % 16 == 0) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  if (seed % 4 == 1) {
    LLVMFuzzerMutate(data, kChoices, kChoices);
    return size;
  }
  return kChoices + nest_fuzz_mutate(data + kChoices, size - kChoices,
                                     max_size - kChoices, seed);
}
