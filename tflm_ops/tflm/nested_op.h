// What the nested ops share in TFLM: Init, Prepare and Eval over a
// NestedKernel.

#ifndef NEST_TFLM_NESTED_OP_H_
#define NEST_TFLM_NESTED_OP_H_

#include "tensorflow/lite/micro/kernels/kernel_util.h"
#include "tensorflow/lite/micro/micro_common.h"
#include "tensorflow/lite/micro/micro_context.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tflm/nested_kernel.h"

namespace tflite {
namespace micro {

constexpr int kNestedInputTensor = 0;
constexpr int kNestedLevelTensor = 1;
constexpr int kNestedPackedTensor = 2;
constexpr int kNestedEntryTensor = 3;  // optional
constexpr int kNestedOutputTensor = 0;

NEST_GLUE_COLD void* NestedInit(TfLiteContext* context,
                                const nest_glue::NestedKernel& kernel);
NEST_GLUE_COLD TfLiteStatus NestedPrepare(TfLiteContext* context,
                                          TfLiteNode* node);
TfLiteStatus NestedEval(TfLiteContext* context, TfLiteNode* node);

}  // namespace micro
}  // namespace tflite

#endif  // NEST_TFLM_NESTED_OP_H_
