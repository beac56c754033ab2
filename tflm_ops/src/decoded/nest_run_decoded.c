#include "decode.h"

/* The place of each block's inputs for the first pixel of a strip. */
static void plan_offsets(const nest_op* op, const nest_layout* layout,
                         int32_t plane_step, uint16_t* offsets) {
  for (int32_t ky = 0; ky < op->kernel_h; ++ky) {
    for (int32_t kx = 0; kx < op->kernel_w; ++kx) {
      const int32_t x = kx * op->dilation_w;
      const int32_t pixel =
          x % layout->phases * layout->phase_width + x / layout->phases;
      int32_t at =
          ky * op->dilation_h * layout->row_bytes + pixel * layout->pixel_bytes;
      for (int32_t c = 0; c < op->in_c; c += op->block_cols, at += plane_step) {
        *offsets++ = (uint16_t)at;
      }
    }
  }
}

/* Decodes as many rows as there is room for, at least one. */
NEST_AROUND static void plan(nest_walk* walk) {
  nest_decoder* decoder = (nest_decoder*)walk->context;
  const nest_op* op = decoder->op;
  const int32_t left = op->out_c - walk->first;
  const int32_t most = left < NEST_DECODED_ROWS ? left : NEST_DECODED_ROWS;
  uint8_t* to = decoder->stream;
  nest_row* row = walk->rows;
  int32_t channel = walk->first;
  if (channel == 0) nest_start_groups(op, walk->level, &decoder->group);
  do {
    if (channel % op->block_rows == 0) nest_next_group(op, &decoder->group);
    row->stream = to;
    row->entries = nest_decode_row(decoder, &decoder->group, to);
    to += nest_decoded_bytes(op, decoder->group.entries);
    ++row;
    ++channel;
  } while (channel < walk->first + most && to <= decoder->last);
  walk->channels = channel - walk->first;
  nest_plan_channels(op, walk->level, walk->first, walk->channels, walk->rows);
}

/* Refer header file for details. */
void nest_run_decoded(const nest_op* op, int32_t level, const int8_t* input,
                      int8_t* output, void* scratch) {
  if (nest_is_vector(op)) {
    nest_run_decoded_vector(op, level, input, output, scratch);
    return;
  }
  nest_layout layout;
  nest_find_decoded_layout(op, &layout);
  nest_decoder decoder;
  decoder.op = op;
  decoder.pairs = *op;
  decoder.pairs.encoding = NEST_OFFSETS;
  decoder.pairs.block_rows = 1;
  decoder.pairs.block_cols = layout.lanes;
  decoder.parts = op->block_cols / layout.lanes;
  decoder.plane_bytes = layout.plane_bytes;
  nest_row* rows = (nest_row*)scratch;
  decoder.stream = (uint8_t*)(rows + NEST_DECODED_ROWS);
  uint8_t* end = decoder.stream + nest_decoded_stream_bytes(op);
  decoder.last = end - nest_decoded_bytes(op, nest_most_entries(op, level));
  decoder.offsets = (const uint16_t*)end;
  plan_offsets(op, &layout, decoder.parts * layout.plane_bytes, (uint16_t*)end);
  nest_walk walk = {&decoder.pairs,     &layout, level, 0, 0, rows, plan, NULL,
                    nest_visit_entries, &decoder};
  nest_walk_tiles(&walk, input, output, end + nest_decoded_table_bytes(op));
}
