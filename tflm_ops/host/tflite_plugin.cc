// Puts the nested ops into the interpreter of tflite-runtime 2.14.0
// (InterpreterWithCustomOps). Nothing here is linked against that wheel: the
// caller passes the resolver and the address of its AddCustom.

#include <cstdlib>

#include "tflite_abi.h"
#include "tflm/nested_kernel.h"

#define NEST_EXPORT __attribute__((visibility("default")))

namespace {

using nest_glue::NestedKernel;
using tflite_abi::Context;
using tflite_abi::Node;
using tflite_abi::Registration;
using tflite_abi::Status;
using tflite_abi::Tensor;

struct OpData {
  nest_op op;
  int32_t runs;
  int32_t entry;  // of the level tensor
  void* scratch;
};

Tensor* Input(Context* context, const Node* node, int index) {
  return &context->tensors[node->inputs->data[index]];
}

Tensor* Output(Context* context, const Node* node) {
  return &context->tensors[node->outputs->data[0]];
}

nest_glue::Activations AsActivations(const Tensor* tensor) {
  return {tensor->dims->data, tensor->dims->size, tensor->zero_point};
}

const char* OpenTensors(const NestedKernel& kernel, Context* context,
                        const Node* node, OpData* data) {
  const bool has_entry = node->inputs->size == 4;
  if ((node->inputs->size != 3 && !has_entry) || node->outputs->size != 1) {
    return "needs 3 or 4 inputs and 1 output";
  }
  const Tensor* input = Input(context, node, 0);
  const Tensor* level = Input(context, node, 1);
  const Tensor* packed = Input(context, node, 2);
  const Tensor* output = Output(context, node);
  if (input->type != tflite_abi::kInt8 || output->type != tflite_abi::kInt8) {
    return "input and output must be int8";
  }
  if (level->type != tflite_abi::kInt32) {
    return "level must be one int32";
  }
  const Tensor* entry = has_entry ? Input(context, node, 3) : nullptr;
  const bool is_constant = has_entry && entry->type == tflite_abi::kInt32 &&
                           entry->allocation_type == tflite_abi::kMmapRo;
  const char* problem =
      nest_glue::FindLevelEntry(level->bytes / sizeof(int32_t), has_entry,
                                is_constant ? entry->data : nullptr,
                                is_constant ? entry->bytes : 0, &data->entry);
  if (problem != nullptr) {
    return problem;
  }
  if (packed->type != tflite_abi::kUInt8 ||
      packed->allocation_type != tflite_abi::kMmapRo) {
    return "the packed weights must be constant uint8";
  }
  return nest_glue::OpenNestedOp(kernel, packed->data, packed->bytes,
                                 AsActivations(input), AsActivations(output),
                                 &data->op, &data->runs);
}

void* Init(Context*, const char*, size_t) {
  return std::calloc(1, sizeof(OpData));
}

void Free(Context*, void* buffer) {
  if (buffer != nullptr) {
    std::free(static_cast<OpData*>(buffer)->scratch);
  }
  std::free(buffer);
}

template <const NestedKernel& kernel>
Status Prepare(Context* context, Node* node) {
  OpData* data = static_cast<OpData*>(node->user_data);
  const char* problem = "no memory for its state";
  if (data != nullptr) {
    problem = OpenTensors(kernel, context, node, data);
  }
  if (problem == nullptr) {
    std::free(data->scratch);
    const size_t bytes = kernel.scratch_bytes(&data->op);
    data->scratch = bytes > 0 ? std::malloc(bytes) : nullptr;
    if (bytes > 0 && data->scratch == nullptr) {
      problem = "no memory for its scratch";
    }
  }
  if (problem != nullptr) {
    context->ReportError(context, "\n%s: %s\n", kernel.name, problem);
    return tflite_abi::kError;
  }
  return tflite_abi::kOk;
}

template <const NestedKernel& kernel>
Status Eval(Context* context, Node* node) {
  const OpData& data = *static_cast<const OpData*>(node->user_data);
  const int32_t level =
      static_cast<const int32_t*>(Input(context, node, 1)->data)[data.entry];
  const nest_status status = nest_glue::RunNestedOp(
      kernel, data.op, data.runs, level,
      static_cast<const int8_t*>(Input(context, node, 0)->data),
      static_cast<int8_t*>(Output(context, node)->data), data.scratch);
  if (status != NEST_OK) {
    context->ReportError(context, "\n%s: %s\n", kernel.name,
                         nest_status_text(status));
    return tflite_abi::kError;
  }
  return tflite_abi::kOk;
}

// MutableOpResolver::AddCustom(name, registration, version): the resolver is
// `this`.
using AddCustom = void (*)(void* resolver, const char* name,
                           const Registration* registration, int version);

template <const NestedKernel& kernel>
void Add(void* resolver, AddCustom add_custom) {
  Registration registration = {};
  registration.init = Init;
  registration.free = Free;
  registration.prepare = Prepare<kernel>;
  registration.invoke = Eval<kernel>;
  add_custom(resolver, kernel.name, &registration, 1);
}

}  // namespace

extern "C" NEST_EXPORT void nest_tflite_register_ops(void* resolver,
                                                     AddCustom add_custom) {
  Add<nest_glue::kConv2D>(resolver, add_custom);
  Add<nest_glue::kDepthwiseConv2D>(resolver, add_custom);
  Add<nest_glue::kFullyConnected>(resolver, add_custom);
}
