#include "tflm/nested_op.h"

namespace tflite {
namespace micro {
namespace {

struct OpData {
  const nest_glue::NestedKernel* kernel;
  nest_op op;
  int32_t runs;
  int32_t entry;  // of the level tensor
  int scratch;
};

// Of a node: its inputs in their order, nullptr for those that it has not, and
// its output.
constexpr int kOutput = kNestedEntryTensor + 1;
using Tensors = TfLiteTensor * [kOutput + 1];

nest_glue::Activations AsActivations(const TfLiteTensor* tensor) {
  return {tensor->dims->data, tensor->dims->size, tensor->params.zero_point};
}

// Returns what is wrong with the tensors of a nested op, nullptr where nothing
// is.
const char* OpenTensors(const Tensors& tensors, int inputs, OpData* data) {
  for (int i = 0; i <= kOutput; ++i) {
    if ((i < inputs || i == kOutput) && tensors[i] == nullptr) {
      return "a tensor is missing";
    }
  }
  const TfLiteTensor* input = tensors[kNestedInputTensor];
  const TfLiteTensor* output = tensors[kOutput];
  if (input->type != kTfLiteInt8 || output->type != kTfLiteInt8) {
    return "input and output must be int8";
  }
  const TfLiteTensor* level = tensors[kNestedLevelTensor];
  const TfLiteTensor* entry = tensors[kNestedEntryTensor];
  // Memory for tensors that are not constant is planned after Prepare only.
  const bool is_int32 = entry != nullptr && entry->type == kTfLiteInt32;
  const char* problem = nest_glue::FindLevelEntry(
      level->type == kTfLiteInt32 ? level->bytes / sizeof(int32_t) : 0,
      entry != nullptr, is_int32 ? entry->data.data : nullptr,
      is_int32 ? entry->bytes : 0, &data->entry);
  if (problem != nullptr) {
    return problem;
  }
  const TfLiteTensor* packed = tensors[kNestedPackedTensor];
  if (packed->type != kTfLiteUInt8 || packed->data.data == nullptr) {
    return "packed weights must be constant uint8";
  }
  return nest_glue::OpenNestedOp(*data->kernel, packed->data.data,
                                 packed->bytes, AsActivations(input),
                                 AsActivations(output), &data->op, &data->runs);
}

}  // namespace

void* NestedInit(TfLiteContext* context,
                 const nest_glue::NestedKernel& kernel) {
  void* memory = context->AllocatePersistentBuffer(context, sizeof(OpData));
  if (memory != nullptr) {
    static_cast<OpData*>(memory)->kernel = &kernel;
  }
  return memory;
}

TfLiteStatus NestedPrepare(TfLiteContext* context, TfLiteNode* node) {
  OpData* data = static_cast<OpData*>(node->user_data);
  if (data == nullptr) {
    return kTfLiteError;  // TFLM has said that its arena is too small
  }
  const int inputs = node->inputs->size;
  if ((inputs != kNestedEntryTensor && inputs != kNestedEntryTensor + 1) ||
      node->outputs->size != 1) {
    MicroPrintf("%s: needs 3 or 4 inputs and 1 output", data->kernel->name);
    return kTfLiteError;
  }
  MicroContext* micro_context = GetMicroContext(context);
  Tensors tensors = {};
  for (int i = 0; i < inputs; ++i) {
    tensors[i] = micro_context->AllocateTempInputTensor(node, i);
  }
  tensors[kOutput] =
      micro_context->AllocateTempOutputTensor(node, kNestedOutputTensor);
  const char* problem = OpenTensors(tensors, inputs, data);
  for (int i = kOutput; i >= 0; --i) {
    if (tensors[i] != nullptr) {
      micro_context->DeallocateTempTfLiteTensor(tensors[i]);
    }
  }
  if (problem != nullptr) {
    MicroPrintf("%s: %s", data->kernel->name, problem);
    return kTfLiteError;
  }
  return context->RequestScratchBufferInArena(
      context, data->kernel->scratch_bytes(&data->op), &data->scratch);
}

TfLiteStatus NestedEval(TfLiteContext* context, TfLiteNode* node) {
  const OpData& data = *static_cast<const OpData*>(node->user_data);
  const int32_t level = GetTensorData<int32_t>(
      GetEvalInput(context, node, kNestedLevelTensor))[data.entry];
  const nest_status status = nest_glue::RunNestedOp(
      *data.kernel, data.op, data.runs, level,
      GetTensorData<int8_t>(GetEvalInput(context, node, kNestedInputTensor)),
      GetTensorData<int8_t>(GetEvalOutput(context, node, kNestedOutputTensor)),
      context->GetScratchBuffer(context, data.scratch));
  return status == NEST_OK ? kTfLiteOk : kTfLiteError;
}

}  // namespace micro
}  // namespace tflite
