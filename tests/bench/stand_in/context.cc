// The MicroContext, in a file of its own as in TFLM: no call to it is known to
// the compiler of the rest.

#include "tflm.h"

namespace stand_in {

void* Context::AllocatePersistentBuffer(size_t bytes) {
  return bytes <= sizeof(persistent_) ? persistent_ : nullptr;
}

TfLiteStatus Context::RequestScratchBufferInArena(size_t bytes, int* index) {
  scratch_bytes = bytes;
  *index = 0;
  return kTfLiteOk;
}

void* Context::GetScratchBuffer(int index) { return scratch[index]; }

TfLiteTensor* Context::AllocateTempTfLiteTensor(int index) {
  return &tensors[index];
}

void Context::DeallocateTempTfLiteTensor(TfLiteTensor*) {}

TfLiteEvalTensor* Context::GetEvalTensor(int index) {
  return &subgraphs[current_subgraph].tensors[index];
}

}  // namespace stand_in
