// A model as tables, written by a test: what the stand-in's interpreter runs.

#ifndef STAND_IN_GRAPH_H_
#define STAND_IN_GRAPH_H_

#include <stddef.h>
#include <stdint.h>

namespace stand_in {

constexpr int kMostTensors = 32;
constexpr int kMostOps = 16;

struct Tensor {
  int type;
  float scale;
  int32_t zero_point;
  size_t bytes;
  size_t offset;  // of the data in the .tflite; 0 for one that is computed
  int rank;
  int dims[4];
};

struct Op {
  int32_t builtin;
  const char* custom;
  int input_count;
  int inputs[3];
  int output;
};

struct Graph {
  int tensor_count;
  const Tensor* tensors;
  int op_count;
  const Op* ops;
  int inputs[2];
  int output;
};

extern const Graph graph;

// What Invokes took so far: 10 each, and 10 more for each level.
extern uint32_t milliseconds;

}  // namespace stand_in

#endif  // STAND_IN_GRAPH_H_
