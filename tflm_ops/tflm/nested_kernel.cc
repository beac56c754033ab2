#include "tflm/nested_kernel.h"

#include <string.h>

namespace nest_glue {
namespace {

size_t Elements(int32_t height, int32_t width, int32_t channels) {
  return static_cast<size_t>(height) * static_cast<size_t>(width) *
         static_cast<size_t>(channels);
}

// Whether a tensor has the packed shape: images of it, or for a fully connected
// op, whose tensors may be of any rank, as many elements.
NEST_GLUE_COLD bool Fits(const nest_op& op, const Activations& tensor,
                         int32_t height, int32_t width, int32_t channels) {
  if (op.kind != NEST_FULLY_CONNECTED) {
    return tensor.rank == 4 && tensor.dims[1] == height &&
           tensor.dims[2] == width && tensor.dims[3] == channels;
  }
  size_t count = 1;
  for (int i = 0; i < tensor.rank; ++i) {
    count *= static_cast<size_t>(tensor.dims[i]);
  }
  return count == Elements(height, width, channels);
}

const char* ComparePoints(const nest_op& op, const Activations& input,
                          const Activations& output) {
  if (op.input_zero_point != input.zero_point) {
    return "input zero point is not the packed one";
  }
  if (op.output_zero_point != output.zero_point) {
    return "output zero point is not the packed one";
  }
  return nullptr;
}

const char* CompareShapes(const nest_op& op, const Activations& input,
                          const Activations& output, int32_t* runs) {
  if (!Fits(op, input, op.in_h, op.in_w, op.in_c)) {
    return "input shape is not the packed one";
  }
  if (!Fits(op, output, op.out_h, op.out_w, op.out_c)) {
    return "output shape is not the packed one";
  }
  *runs = 1;
  if (op.kind == NEST_FULLY_CONNECTED) {
    return nullptr;
  }
  if (input.dims[0] != output.dims[0]) {
    return "input and output differ in batch size";
  }
  *runs = input.dims[0];
  return nullptr;
}

}  // namespace

const char* FindLevelEntry(size_t elements, bool has_entry, const void* entry,
                           size_t entry_bytes, int32_t* index) {
  *index = 0;
  if (!has_entry) {
    return elements == 1 ? nullptr : "level must be one int32";
  }
  if (entry == nullptr || entry_bytes != sizeof(*index)) {
    return "level entry must be one constant int32";
  }
  memcpy(index, entry, sizeof(*index));  // a file may align it as it likes
  // Negative ones are above any number of elements.
  return static_cast<uint32_t>(*index) < elements ? nullptr
                                                  : "level has no such entry";
}

const char* OpenNestedOp(const NestedKernel& kernel, const void* packed,
                         size_t packed_bytes, const Activations& input,
                         const Activations& output, nest_op* op,
                         int32_t* runs) {
  const nest_status status = nest_open(packed, packed_bytes, op);
  if (status != NEST_OK) {
    return nest_status_text(status);
  }
  if (op->kind != kernel.kind) {
    return nest_status_text(NEST_ERROR_KIND);
  }
  const char* mismatch = ComparePoints(*op, input, output);
  return mismatch != nullptr ? mismatch
                             : CompareShapes(*op, input, output, runs);
}

nest_status RunImages(const NestedKernel& kernel, const nest_op& op,
                      int32_t runs, int32_t level, const int8_t* input,
                      int8_t* output, void* scratch) {
  const size_t input_step = Elements(op.in_h, op.in_w, op.in_c);
  const size_t output_step = Elements(op.out_h, op.out_w, op.out_c);
  for (int32_t i = 0; i < runs; ++i) {
    const nest_status status = kernel.run(&op, level, input, output, scratch);
    if (status != NEST_OK) {
      return status;
    }
    input += input_step;
    output += output_step;
  }
  return NEST_OK;
}

}  // namespace nest_glue
