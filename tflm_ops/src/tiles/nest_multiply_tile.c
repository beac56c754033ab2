#include "../widths/widths.h"
#include "entries.h"

/* The sums of a channel before its weights. */
static void set_bias(const nest_op* op, int32_t level, int32_t channel,
                     int32_t* acc) {
  const int32_t bias = op->bias[op->level_table[level] * op->out_c + channel];
  for (int32_t t = 0; t < NEST_TILE; ++t) acc[t] = bias;
}

/* acc[tile] += the active weights of a row times the patches. */
NEST_AROUND static void accumulate_runs(const nest_op* op, const int8_t* row,
                                        const int16_t* patches, int32_t tile,
                                        int32_t* acc) {
  const int32_t runs = nest_runs(op);
  if (runs == 1) { /* the first inputs of every tap */
    for (int32_t tap = op->kernel_h * op->kernel_w; tap > 0; --tap) {
      nest_accumulate_row(row, op->in_c, patches, tile, acc);
      row += nest_in_pitch(op);
      patches += op->in_c * tile;
    }
    return;
  }
  for (int32_t tap = op->kernel_h * op->kernel_w; tap > 0; --tap) {
    for (int32_t i = 0; i < runs; ++i) {
      const nest_run run = nest_run_of(op, i);
      nest_accumulate_row(row + run.start, run.count,
                          patches + run.start * tile, tile, acc);
    }
    row += nest_in_pitch(op);
    patches += op->in_c * tile;
  }
}

static void multiply_dense(const nest_op* op, int32_t level,
                           const int16_t* patches, int32_t pixels, int32_t tile,
                           int8_t* output) {
  const int8_t* row = op->dense;
  const int by_runs =
      NEST_WIDTHS && (op->narrowed ||
                      (op->in_c < nest_in_pitch(op) && op->in_c < op->columns));
  for (int32_t channel = 0; channel < op->out_c; ++channel) {
    int32_t acc[NEST_TILE];
    set_bias(op, level, channel, acc);
    if (by_runs) {
      accumulate_runs(op, row, patches, tile, acc);
    } else {
      nest_accumulate_row(row, op->columns, patches, tile, acc);
    }
    nest_store_channel(op, level, channel, acc, pixels, output);
    row += nest_row_pitch(op);
  }
}

/* Entries of a row group. */
static size_t count_entries(const nest_entries* entries, int32_t rings) {
  const uint8_t* counts = entries->counts;
  size_t sum = 0;
  for (int32_t ring = 0; ring < rings; ++ring) {
    sum += nest_load(counts, entries->count_bytes);
    counts += entries->count_bytes;
  }
  return sum;
}

static void multiply_rings(const nest_op* op, int32_t level,
                           const int16_t* patches, int32_t pixels, int32_t tile,
                           int8_t* output) {
  nest_entries_kernel* const kernel = nest_find_entries(op, tile);
  const int lists = op->encoding == NEST_LISTS;
  const int32_t rings = nest_rings(op);
  const size_t counts = op->balanced ? 0 : (size_t)(rings * op->count_bytes);
  const size_t row_step = (size_t)(lists ? op->columns : op->block_cols);
  const size_t step = nest_block_size(op);
  nest_entries entries = {op->counts,  op->count_bytes, level + 1,
                          op->indices, op->values,      step,
                          patches};
  size_t in_group = 0;
  for (int32_t group = 0, channel = 0; group < op->row_groups; ++group) {
    const int8_t* const values = entries.values;
    for (int32_t row = 0; row < op->block_rows; ++row, ++channel) {
      if (channel >= op->out_c) break;
      int32_t acc[NEST_TILE];
      set_bias(op, level, channel, acc);
      if (kernel != NULL) {
        kernel(&entries, acc);
      } else {
        nest_sum_any_entries(op, &entries, tile, acc);
      }
      nest_store_channel(op, level, channel, acc, pixels, output);
      entries.values += row_step;
    }
    if (group == 0 || !op->balanced) {
      in_group = count_entries(&entries, rings);
    }
    entries.counts += counts;
    entries.indices += in_group * (size_t)op->index_bytes;
    entries.values =
        values + (lists ? (size_t)op->block_rows * row_step : in_group * step);
  }
}

void nest_multiply_tile(const nest_op* op, int32_t level,
                        const int16_t* patches, int32_t pixels, int32_t tile,
                        int8_t* output) {
  /* Lists and dense tops name no ring for the densest level: it runs over all
   * values. */
  if (level < nest_rings(op)) {
    multiply_rings(op, level, patches, pixels, tile, output);
  } else {
    multiply_dense(op, level, patches, pixels, tile, output);
  }
}
