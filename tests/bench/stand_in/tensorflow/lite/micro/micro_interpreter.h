// Stand-in; see micro_common.h beside it. Runs the graph that a test has
// written down as tables (tests/export/stand_in/graph.h), on the model's own
// bytes.

#ifndef STAND_IN_MICRO_INTERPRETER_H_
#define STAND_IN_MICRO_INTERPRETER_H_

#include "tensorflow/lite/micro/micro_common.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

STAND_IN_CLASSES_OPEN

struct Model;

const Model* GetModel(const void* data);

class MicroInterpreter {
 public:
  MicroInterpreter(const Model* model, const MicroOpResolver& op_resolver,
                   uint8_t* tensor_arena, size_t tensor_arena_size);
  ~MicroInterpreter();
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor* input(size_t index);
  TfLiteTensor* output(size_t index);
  size_t arena_used_bytes() const;

 private:
  const Model* model_;
  const MicroOpResolver& resolver_;
  uint8_t* arena_;
  size_t arena_bytes_;
};

STAND_IN_CLASSES_CLOSE

#endif  // STAND_IN_MICRO_INTERPRETER_H_
