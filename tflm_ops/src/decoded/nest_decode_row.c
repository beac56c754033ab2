#include <string.h>

#include "decode.h"

#if !defined(__ARM_FEATURE_DSP)
static void store_half(uint8_t* to, size_t half) {
  const uint16_t value = (uint16_t)half;
  memcpy(to, &value, 2);
}

/* The C of nest_decode_rings. */
static void decode_rings(const nest_decoder* decoder,
                         const nest_row_rings* rings) {
  const nest_op* op = decoder->op;
  const nest_op* pairs = &decoder->pairs;
  const int lists = op->encoding == NEST_LISTS;
  const size_t column_step = lists ? (size_t)op->block_cols : 0;
  const uint8_t* indices = rings->indices;
  const int8_t* values = rings->values;
  size_t at = 0;
  for (const uint32_t* count = rings->counts; count < rings->end; ++count) {
    size_t block = 0;
    for (uint32_t i = 0; i < *count; ++i) {
      block += *indices++;
      const int8_t* from = values + block * column_step;
      for (int32_t part = 0; part < decoder->parts; ++part, ++at) {
        uint8_t* pair = (uint8_t*)rings->to + at / 2 * nest_pair_bytes(pairs);
        store_half(
            pair + nest_pair_offset_at(pairs, at % 2),
            rings->from.offsets[block] + (size_t)part * (size_t)rings->more);
        for (int32_t c = 0; c < pairs->block_cols; ++c, ++from) {
          pair[nest_pair_value_at(pairs, at % 2, 0, (size_t)c)] =
              (uint8_t)*from;
        }
        if (pairs->block_cols == 1) {
          pair[at % 2 * 4 + 3] = from[-1] < 0 ? 255 : 0; /* int16 */
        }
      }
      if (!lists) values += nest_block_size(op);
    }
  }
}
#endif

/* Refer header file for details. */
int32_t nest_decode_row(const nest_decoder* decoder, nest_group* group,
                        uint8_t* to) {
  const nest_op* op = decoder->op;
  const int lists = op->encoding == NEST_LISTS;
  const int32_t row_step = lists ? op->columns : op->block_cols;
  const int8_t* values = group->values + group->row * row_step;
  nest_row_rings rings;
  rings.indices = group->indices;
  rings.values = values;
  rings.from.offsets = decoder->offsets;
  rings.counts = group->counts;
  rings.end = group->counts + group->rings;
  rings.row.first = values;
  if (!lists) rings.row.step = nest_block_size(op);
  rings.more = decoder->plane_bytes;
  rings.to = to;
#if defined(__ARM_FEATURE_DSP)
  nest_decode_rings(&rings, lists, op->block_cols);
#else
  decode_rings(decoder, &rings);
#endif
  ++group->row;
  return (int32_t)group->entries * decoder->parts;
}
