// The stand-in's interpreter: nested ops by their registrations, RESHAPE as a
// copy. As TFLM may, it reuses the memory of the inputs within Invoke.

#include <string.h>

#include "graph.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"
#include "tensorflow/lite/micro/micro_context.h"
#include "tensorflow/lite/micro/micro_interpreter.h"

uint32_t stand_in::milliseconds = 0;

namespace tflite {
namespace micro {
namespace {

constexpr size_t kAlignment = 16;
constexpr int32_t kReshape = 22;
constexpr int32_t kCustom = 32;

// One interpreter at a time.
class Context : public MicroContext {
 public:
  void* AllocatePersistentBuffer(size_t bytes) override {
    bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (used + bytes > size) {
      return nullptr;
    }
    used += bytes;
    return arena + used - bytes;
  }
  TfLiteStatus RequestScratchBufferInArena(size_t bytes, int* index) override {
    scratch_bytes = bytes > scratch_bytes ? bytes : scratch_bytes;
    *index = 0;
    return kTfLiteOk;
  }
  void* GetScratchBuffer(int) override { return scratch; }
  TfLiteTensor* AllocateTempTfLiteTensor(int index) override {
    return &tensors[index];
  }
  void DeallocateTempTfLiteTensor(TfLiteTensor*) override {}
  TfLiteEvalTensor* GetEvalTensor(int index) override { return &eval[index]; }

  uint8_t* arena;
  size_t size;
  size_t used;
  void* scratch;
  size_t scratch_bytes;
  TfLiteTensor tensors[stand_in::kMostTensors];
  TfLiteIntArray dims[stand_in::kMostTensors];
  TfLiteEvalTensor eval[stand_in::kMostTensors];
  TfLiteIntArray node_inputs[stand_in::kMostOps];
  TfLiteIntArray node_outputs[stand_in::kMostOps];
  TfLiteNode nodes[stand_in::kMostOps];
  const TFLMRegistration* registrations[stand_in::kMostOps];
  TfLiteContext face;
};

Context& TheContext() {
  static Context made;  // the board runs no constructors before main
  return made;
}

void* Persistent(TfLiteContext*, size_t bytes) {
  return TheContext().AllocatePersistentBuffer(bytes);
}
TfLiteStatus RequestScratch(TfLiteContext*, size_t bytes, int* index) {
  return TheContext().RequestScratchBufferInArena(bytes, index);
}
void* Scratch(TfLiteContext*, int index) {
  return TheContext().GetScratchBuffer(index);
}
TfLiteEvalTensor* Eval(const TfLiteContext*, int index) {
  return TheContext().GetEvalTensor(index);
}

// Sets up a tensor; constants stay in the file.
bool SetUp(int index, const unsigned char* file) {
  const stand_in::Tensor& facts = stand_in::graph.tensors[index];
  void* data;
  if (facts.offset != 0) {
    data = const_cast<unsigned char*>(file + facts.offset);
  } else {
    data = TheContext().AllocatePersistentBuffer(facts.bytes);
  }
  if (data == nullptr) {
    return false;
  }
  TfLiteIntArray& dims = TheContext().dims[index];
  dims.size = facts.rank;
  memcpy(dims.data, facts.dims, sizeof(facts.dims));
  TfLiteTensor& tensor = TheContext().tensors[index];
  tensor.params.scale = facts.scale;
  tensor.params.zero_point = facts.zero_point;
  tensor.data.data = data;
  tensor.dims = &dims;
  tensor.bytes = facts.bytes;
  tensor.type = static_cast<TfLiteType>(facts.type);
  TheContext().eval[index] = {tensor.data, tensor.dims, tensor.type};
  return true;
}

}  // namespace

TFLMRegistration RegisterOp(
    void* (*init)(TfLiteContext* context, const char* buffer, size_t length),
    TfLiteStatus (*prepare)(TfLiteContext* context, TfLiteNode* node),
    TfLiteStatus (*invoke)(TfLiteContext* context, TfLiteNode* node)) {
  return {init, nullptr, prepare, invoke, nullptr, 0, nullptr};
}

const TfLiteEvalTensor* GetEvalInput(const TfLiteContext*,
                                     const TfLiteNode* node, int index) {
  return TheContext().GetEvalTensor(node->inputs->data[index]);
}

TfLiteEvalTensor* GetEvalOutput(const TfLiteContext*, const TfLiteNode* node,
                                int index) {
  return TheContext().GetEvalTensor(node->outputs->data[index]);
}

}  // namespace micro
}  // namespace tflite

STAND_IN_CLASSES_OPEN

TfLiteTensor* MicroContext::AllocateTempInputTensor(const TfLiteNode* node,
                                                    int index) {
  return AllocateTempTfLiteTensor(node->inputs->data[index]);
}

TfLiteTensor* MicroContext::AllocateTempOutputTensor(const TfLiteNode* node,
                                                     int index) {
  return AllocateTempTfLiteTensor(node->outputs->data[index]);
}

// The file's bytes; never defined.
struct Model;

const Model* GetModel(const void* data) {
  return static_cast<const Model*>(data);
}

MicroInterpreter::MicroInterpreter(const Model* model,
                                   const MicroOpResolver& op_resolver,
                                   uint8_t* tensor_arena,
                                   size_t tensor_arena_size)
    : model_(model),
      resolver_(op_resolver),
      arena_(tensor_arena),
      arena_bytes_(tensor_arena_size) {}

MicroInterpreter::~MicroInterpreter() {}

TfLiteStatus MicroInterpreter::AllocateTensors() {
  using micro::TheContext;
  const stand_in::Graph& graph = stand_in::graph;
  const unsigned char* file = reinterpret_cast<const unsigned char*>(model_);
  if (reinterpret_cast<uintptr_t>(file) % micro::kAlignment != 0 ||
      reinterpret_cast<uintptr_t>(arena_) % micro::kAlignment != 0) {
    return kTfLiteError;
  }
  TheContext().arena = arena_;
  TheContext().size = arena_bytes_;
  TheContext().face = {static_cast<MicroContext*>(&TheContext()),
                       micro::Persistent, micro::RequestScratch, micro::Scratch,
                       micro::Eval};
  for (int i = 0; i < graph.tensor_count; ++i) {
    if (!micro::SetUp(i, file)) {
      return kTfLiteError;
    }
  }
  for (int i = 0; i < graph.op_count; ++i) {
    const stand_in::Op& op = graph.ops[i];
    TfLiteIntArray& inputs = TheContext().node_inputs[i];
    inputs.size = op.input_count;
    memcpy(inputs.data, op.inputs, sizeof(op.inputs));
    TheContext().node_outputs[i].size = 1;
    TheContext().node_outputs[i].data[0] = op.output;
    TfLiteNode& node = TheContext().nodes[i];
    node = {&inputs, &TheContext().node_outputs[i], nullptr};
    if (op.builtin != micro::kCustom) {
      if (op.builtin != micro::kReshape || !resolver_.HasBuiltin(op.builtin)) {
        return kTfLiteError;
      }
      continue;
    }
    const TFLMRegistration* found = resolver_.FindCustom(op.custom);
    if (found == nullptr) {
      return kTfLiteError;
    }
    TheContext().registrations[i] = found;
    node.user_data = found->init(&TheContext().face, nullptr, 0);
    if (found->prepare(&TheContext().face, &node) != kTfLiteOk) {
      return kTfLiteError;
    }
  }
  TheContext().scratch =
      TheContext().AllocatePersistentBuffer(TheContext().scratch_bytes);
  return TheContext().scratch == nullptr ? kTfLiteError : kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Invoke() {
  using micro::TheContext;
  const stand_in::Graph& graph = stand_in::graph;
  const int32_t level =
      *TheContext().tensors[graph.inputs[1]].data.i32;  // as this test has it
  TfLiteStatus status = kTfLiteOk;
  for (int i = 0; i < graph.op_count && status == kTfLiteOk; ++i) {
    if (TheContext().registrations[i] != nullptr) {
      status = TheContext().registrations[i]->invoke(&TheContext().face,
                                                     &TheContext().nodes[i]);
    } else {
      memcpy(TheContext().tensors[graph.ops[i].output].data.data,
             TheContext().tensors[graph.ops[i].inputs[0]].data.data,
             TheContext().tensors[graph.ops[i].output].bytes);
    }
  }
  stand_in::milliseconds += 10 + 10 * static_cast<uint32_t>(level);
  for (int index : graph.inputs) {
    memset(TheContext().tensors[index].data.data, 0x5a,
           TheContext().tensors[index].bytes);
  }
  return status;
}

TfLiteTensor* MicroInterpreter::input(size_t index) {
  return &micro::TheContext().tensors[stand_in::graph.inputs[index]];
}

TfLiteTensor* MicroInterpreter::output(size_t) {
  return &micro::TheContext().tensors[stand_in::graph.output];
}

size_t MicroInterpreter::arena_used_bytes() const {
  return micro::TheContext().used;
}

STAND_IN_CLASSES_CLOSE
