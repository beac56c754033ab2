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

struct Tensors {
  TfLiteTensor* input;
  TfLiteTensor* level;
  TfLiteTensor* packed;
  TfLiteTensor* entry;  // nullptr where the op has none
  TfLiteTensor* output;
};

nest_glue::Activations AsActivations(const TfLiteTensor* tensor) {
  return {tensor->dims->data, tensor->dims->size, tensor->params.zero_point};
}

// Returns what is wrong with the level of a nested op, nullptr where nothing
// is.
const char* FindEntry(const Tensors& tensors, bool has_entry, OpData* data) {
  if (tensors.level->type != kTfLiteInt32) {
    return "level must be one int32";
  }
  const void* entry = nullptr;
  size_t bytes = 0;
  if (has_entry && tensors.entry->type == kTfLiteInt32) {
    // Memory for tensors that are not constant is planned after Prepare only.
    entry = tensors.entry->data.data;
    bytes = tensors.entry->bytes;
  }
  return nest_glue::FindLevelEntry(tensors.level->bytes / sizeof(int32_t),
                                   has_entry, entry, bytes, &data->entry);
}

// Returns what is wrong with the tensors of a nested op, nullptr where nothing
// is.
const char* OpenTensors(const Tensors& tensors, bool has_entry, OpData* data) {
  if (tensors.input == nullptr || tensors.level == nullptr ||
      tensors.packed == nullptr || tensors.output == nullptr ||
      (has_entry && tensors.entry == nullptr)) {
    return "a tensor is missing or has no memory";
  }
  if (tensors.input->type != kTfLiteInt8 ||
      tensors.output->type != kTfLiteInt8) {
    return "input and output must be int8";
  }
  const char* problem = FindEntry(tensors, has_entry, data);
  if (problem != nullptr) {
    return problem;
  }
  // Memory for tensors that are not constant is planned after Prepare only.
  if (tensors.packed->type != kTfLiteUInt8 ||
      tensors.packed->data.data == nullptr) {
    return "packed weights must be constant uint8";
  }
  return nest_glue::OpenNestedOp(
      *data->kernel, tensors.packed->data.data, tensors.packed->bytes,
      AsActivations(tensors.input), AsActivations(tensors.output), &data->op,
      &data->runs);
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
    MicroPrintf("Nested op: no memory for its state");
    return kTfLiteError;
  }
  const bool has_entry = node->inputs->size == 4;
  if ((node->inputs->size != 3 && !has_entry) || node->outputs->size != 1) {
    MicroPrintf("%s: needs 3 or 4 inputs and 1 output", data->kernel->name);
    return kTfLiteError;
  }
  MicroContext* micro_context = GetMicroContext(context);
  Tensors tensors = {
      micro_context->AllocateTempInputTensor(node, kNestedInputTensor),
      micro_context->AllocateTempInputTensor(node, kNestedLevelTensor),
      micro_context->AllocateTempInputTensor(node, kNestedPackedTensor),
      has_entry
          ? micro_context->AllocateTempInputTensor(node, kNestedEntryTensor)
          : nullptr,
      micro_context->AllocateTempOutputTensor(node, kNestedOutputTensor)};
  const char* problem = OpenTensors(tensors, has_entry, data);
  TfLiteTensor* const all[] = {tensors.output, tensors.entry, tensors.packed,
                               tensors.level, tensors.input};
  for (TfLiteTensor* tensor : all) {
    if (tensor != nullptr) {
      micro_context->DeallocateTempTfLiteTensor(tensor);
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
