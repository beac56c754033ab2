// The three nested kernels under one face, and whether a packed op fits its
// tensors. Free of TFLM, so that the glue of every runtime asks the same
// questions.

#ifndef NEST_TFLM_NESTED_KERNEL_H_
#define NEST_TFLM_NESTED_KERNEL_H_

#include <stddef.h>
#include <stdint.h>

#include "nest/nest.h"

// What runs once, before the first Invoke, is compiled for size.
#if defined(__GNUC__)
#define NEST_GLUE_COLD __attribute__((cold))
#else
#define NEST_GLUE_COLD
#endif

namespace nest_glue {

struct NestedKernel {
  const char* name;
  nest_op_kind kind;
  nest_status (*run)(const nest_op* op, int32_t level, const int8_t* input,
                     int8_t* output, void* scratch);
  size_t (*scratch_bytes)(const nest_op* op);
};

constexpr NestedKernel kConv2D = {"NESTED_CONV_2D", NEST_CONV_2D, nest_conv_2d,
                                  nest_conv_2d_get_buffer_size};
constexpr NestedKernel kDepthwiseConv2D = {
    "NESTED_DEPTHWISE_CONV_2D", NEST_DEPTHWISE_CONV_2D, nest_depthwise_conv_2d,
    nest_depthwise_conv_2d_get_buffer_size};
constexpr NestedKernel kFullyConnected = {
    "NESTED_FULLY_CONNECTED", NEST_FULLY_CONNECTED, nest_fully_connected,
    nest_fully_connected_get_buffer_size};

// An int8 tensor as the runtime declares it.
struct Activations {
  const int* dims;
  int rank;
  int32_t zero_point;
};

// Finds which element of the level tensor an op reads: the only one or, where
// the op has a fourth input, the one that this constant names. Returns nullptr
// where all is well, else what is wrong.
//   elements   of the level tensor
//   has_entry  whether the op has a fourth input
//   entry      its data, nullptr where it is not constant
NEST_GLUE_COLD const char* FindLevelEntry(size_t elements, bool has_entry,
                                          const void* entry, size_t entry_bytes,
                                          int32_t* index);

// Opens the packed weights and compares them with the tensors. Returns nullptr
// where all is well, with `*op` filled and `*runs` the number of times that the
// kernel is to be called: once per image, or once for all vectors of a fully
// connected op. Else returns what is wrong, in English.
NEST_GLUE_COLD const char* OpenNestedOp(const NestedKernel& kernel,
                                        const void* packed, size_t packed_bytes,
                                        const Activations& input,
                                        const Activations& output, nest_op* op,
                                        int32_t* runs);

// Calls the kernel `runs` times, image after image.
NEST_GLUE_COLD nest_status RunImages(const NestedKernel& kernel,
                                     const nest_op& op, int32_t runs,
                                     int32_t level, const int8_t* input,
                                     int8_t* output, void* scratch);

// The same, without a loop's cost for the one image that is the rule. A level
// out of range gives NEST_ERROR_LEVEL and leaves the output untouched.
inline nest_status RunNestedOp(const NestedKernel& kernel, const nest_op& op,
                               int32_t runs, int32_t level, const int8_t* input,
                               int8_t* output, void* scratch) {
  return runs == 1 ? kernel.run(&op, level, input, output, scratch)
                   : RunImages(kernel, op, runs, level, input, output, scratch);
}

}  // namespace nest_glue

#endif  // NEST_TFLM_NESTED_KERNEL_H_
