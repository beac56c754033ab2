// The structs of TensorFlow Lite's C API that a custom op sees, with their
// memory layout in tflite-runtime 2.14.0 on 64-bit machines. That wheel ships
// no headers; keras_nest/runtime/litert.py admits no other version.

#ifndef NEST_HOST_TFLITE_ABI_H_
#define NEST_HOST_TFLITE_ABI_H_

#include <cstddef>
#include <cstdint>

namespace tflite_abi {

enum Status { kOk = 0, kError = 1 };
enum Type : int { kInt32 = 2, kUInt8 = 3, kInt8 = 9 };
enum AllocationType : int { kMmapRo = 1 };

struct IntArray {
  int size;
  int data[1];
};

struct Tensor {
  Type type;
  void* data;
  IntArray* dims;
  float scale;
  int32_t zero_point;
  AllocationType allocation_type;
  size_t bytes;
  const void* allocation;
  const char* name;
  void* delegate;
  int buffer_handle;
  bool data_is_stale;
  bool is_variable;
  int quantization_type;
  void* quantization_params;
  void* sparsity;
  const IntArray* dims_signature;
};

struct Node {
  IntArray* inputs;
  IntArray* outputs;
  IntArray* intermediates;
  IntArray* temporaries;
  void* user_data;
};

struct Context {
  size_t tensors_size;
  void* get_execution_plan;
  Tensor* tensors;
  void* impl;
  void* resize_tensor;
  void (*ReportError)(Context* context, const char* format, ...);
};

struct Registration {
  void* (*init)(Context* context, const char* buffer, size_t length);
  void (*free)(Context* context, void* buffer);
  Status (*prepare)(Context* context, Node* node);
  Status (*invoke)(Context* context, Node* node);
  const char* (*profiling_string)(const Context* context, const Node* node);
  int32_t builtin_code;
  const char* custom_name;
  int version;
  void* registration_external;
  void* async_kernel;
  uint64_t inplace_operator;
};

static_assert(sizeof(void*) == 8, "the wheel is for 64-bit machines");
static_assert(sizeof(Tensor) == 112, "TfLiteTensor");
static_assert(offsetof(Tensor, bytes) == 40, "TfLiteTensor");
static_assert(offsetof(Node, user_data) == 32, "TfLiteNode");
static_assert(offsetof(Context, ReportError) == 40, "TfLiteContext");

}  // namespace tflite_abi

#endif  // NEST_HOST_TFLITE_ABI_H_
