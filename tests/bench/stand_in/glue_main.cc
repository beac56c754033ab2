// Runs the op of each registration as TFLM would, and its kernel alone. Lines
// for keras_nest/bench/emulator.py as those of tflm_ops/bench/bench_main.c;
// of the model's op I
//
//   op 3 * I      the kernel called directly, level after level
//   op 3 * I + 1  Eval, the first one after a switch to the level
//   op 3 * I + 2  Eval, once more at the level

#include <string.h>

#include "tflm.h"
#include "tflm/nested_ops.h"
extern "C" {
#include "bench_op.h"
#include "board.h"

void __cxa_pure_virtual() { board_exit(3); }
}

void MicroPrintf(const char* format, ...) {
  board_write(format);
  board_write("\n");
}

namespace {

constexpr uint32_t kRuns = 3;  // lines a level
constexpr uint8_t kUnwritten = 0x5a;

// The CRC-32 of zlib and Ethernet, bit by bit.
uint32_t Checksum(const uint8_t* bytes, size_t count) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < count; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
  }
  return ~crc;
}

void Stop(const char* what, uint32_t index, int32_t level) {
  board_write(what);
  board_write_fact(" op ", index);
  board_write_fact(" level ", static_cast<uint32_t>(level));
  board_write("\n");
  board_exit(1);
}

void WriteTicks(uint32_t index, int32_t level, uint32_t ticks) {
  board_write_fact("op ", index);
  board_write_fact(" level ", static_cast<uint32_t>(level));
  board_write_fact(" ticks ", ticks);
  board_write("\n");
}

TFLMRegistration* RegistrationOf(nest_op_kind kind) {
  if (kind == NEST_CONV_2D) {
    return tflite::micro::Register_NESTED_CONV_2D();
  }
  return kind == NEST_DEPTHWISE_CONV_2D
             ? tflite::micro::Register_NESTED_DEPTHWISE_CONV_2D()
             : tflite::micro::Register_NESTED_FULLY_CONNECTED();
}

TfLiteTensor Tensor(const void* data, size_t bytes, TfLiteType type,
                    TfLiteIntArray* dims, int32_t zero_point) {
  return {{1.0f, zero_point},
          {static_cast<char*>(const_cast<void*>(data))},
          dims,
          bytes,
          type};
}

void TimeOp(uint32_t model_index) {
  const bench_op& entry = bench_ops[model_index];
  const uint32_t index = kRuns * model_index;
  nest_op op;
  if (nest_open(entry.blob, entry.blob_bytes, &op) != NEST_OK) {
    Stop("error blob", index, 0);
  }
  uint8_t* const output = board_free_begin;
  uint8_t* const scratch = output + (entry.output_bytes + 63) / 16 * 16;

  stand_in::Context micro_context;
  int32_t level = 0;
  TfLiteIntArray in_dims = {4, {1, op.in_h, op.in_w, op.in_c}};
  TfLiteIntArray out_dims = {4, {1, op.out_h, op.out_w, op.out_c}};
  TfLiteIntArray one = {1, {1}};
  TfLiteIntArray blob_dims = {1, {static_cast<int>(entry.blob_bytes)}};
  TfLiteTensor* tensors = micro_context.tensors;
  tensors[0] =
      Tensor(entry.input, 0, kTfLiteInt8, &in_dims, op.input_zero_point);
  tensors[1] = Tensor(&level, sizeof(level), kTfLiteInt32, &one, 0);
  tensors[2] =
      Tensor(entry.blob, entry.blob_bytes, kTfLiteUInt8, &blob_dims, 0);
  tensors[3] = Tensor(output, entry.output_bytes, kTfLiteInt8, &out_dims,
                      op.output_zero_point);
  TfLiteEvalTensor eval[stand_in::kTensors];
  for (int i = 0; i < stand_in::kTensors; ++i) {
    eval[i] = {tensors[i].data, tensors[i].dims, tensors[i].type};
  }
  stand_in::Subgraph subgraph = {eval};
  micro_context.subgraphs = &subgraph;
  micro_context.current_subgraph = 0;
  micro_context.scratch[0] = scratch;
  TfLiteContext context = stand_in::MakeContext(&micro_context);
  TfLiteIntArray inputs = {3, {0, 1, 2}};
  TfLiteIntArray outputs = {1, {3}};
  TfLiteNode node = {&inputs, &outputs, nullptr};

  const TFLMRegistration& registration = *RegistrationOf(op.kind);
  node.user_data = registration.init(&context, nullptr, 0);
  if (registration.prepare(&context, &node) != kTfLiteOk) {
    Stop("error status", index + 1, 0);
  }
  if (micro_context.scratch_bytes != entry.get_buffer_size(&op)) {
    Stop("error bounds", index + 1, 0);
  }

  for (level = 0; level < op.levels; ++level) {
    board_timer_start();
    const nest_status status = entry.run(
        &op, level, entry.input, reinterpret_cast<int8_t*>(output), scratch);
    const uint32_t ticks = board_timer_read();
    if (status != NEST_OK) {
      Stop("error status", index, level);
    }
    WriteTicks(index, level, ticks);
  }
  for (level = 0; level < op.levels; ++level) {
    for (uint32_t run = 1; run < kRuns; ++run) {
      memset(output, kUnwritten, entry.output_bytes);
      board_timer_start();
      const TfLiteStatus status = registration.invoke(&context, &node);
      const uint32_t ticks = board_timer_read();
      if (status != kTfLiteOk) {
        Stop("error status", index + run, level);
      }
      if (Checksum(output, entry.output_bytes) != entry.checksums[level]) {
        Stop("error output", index + run, level);
      }
      WriteTicks(index + run, level, ticks);
    }
  }
}

}  // namespace

int main() {
  board_write_fact("kernels ", static_cast<uint32_t>(board_kernels_end -
                                                     board_kernels_begin));
  board_timer_start();
  board_write_fact("\nempty ", board_timer_read());
  board_write("\n");
  for (uint32_t i = 0; i < bench_op_count; ++i) {
    TimeOp(i);
  }
  board_write("done\n");
  return 0;
}
