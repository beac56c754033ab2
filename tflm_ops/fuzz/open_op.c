#include "open_op.h"

#include "../src/bits/bits.h"
#include "check.h"

nest_fuzz_kernel nest_fuzz_kernel_of(const nest_op* op, size_t* scratch) {
  switch (op->kind) {
    case NEST_CONV_2D:
      *scratch = nest_conv_2d_get_buffer_size(op);
      return nest_conv_2d;
    case NEST_DEPTHWISE_CONV_2D:
      *scratch = nest_depthwise_conv_2d_get_buffer_size(op);
      return nest_depthwise_conv_2d;
    case NEST_FULLY_CONNECTED:
      *scratch = nest_fully_connected_get_buffer_size(op);
      return nest_fully_connected;
  }
  abort();
}

/* As nest.h describes it, without overflow. */
static double most_scratch(const nest_op* op) {
  const double height = (double)(op->kernel_h - 1) * op->dilation_h + 1;
  const double width = (double)(op->out_w - 1) * op->stride_w +
                       (double)(op->kernel_w - 1) * op->dilation_w + 1;
  const double rows = (height + 1) * width * op->in_c * 2;
  /* Of levels of bits, the unpacked weights. */
  const double least = 8.0 * op->columns;
  const double unpacked = least > NEST_BITS_WEIGHTS ? least : NEST_BITS_WEIGHTS;
  return rows + NEST_SCRATCH_CONSTANT + (nest_has_bits(op) ? unpacked : 0);
}

nest_status nest_fuzz_open(const uint8_t* blob, size_t size, nest_op* op) {
  const nest_status status = nest_open(blob, size, op);
  REQUIRE(nest_status_text(status) != NULL);
  if (status == NEST_OK) {
    size_t scratch = 0;
    nest_fuzz_kernel_of(op, &scratch);
    REQUIRE((double)scratch <= most_scratch(op));
  }
  return status;
}
