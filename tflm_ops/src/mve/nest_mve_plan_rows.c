#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* Where the plans of four channels go from the first one's on. */
static const uint32_t in_order[4] = {0, 32, 64, 96};
static const uint32_t by_fours[4] = {0, 64, 32, 96};

/* Refer header file for details. */
void nest_mve_plan_rows(const nest_op* op, int32_t level, int32_t first,
                        int32_t channels, int in_fours, const uint8_t** stream,
                        nest_mve_row* rows) {
  const int32_t rings = nest_rings(op);
  const int32_t step = op->balanced ? 0 : rings;
  const uint16_t* count = (const uint16_t*)op->counts + first * step + level;
  const int32_t to_total = rings - 1 - level;
  const int32_t* folded = nest_folded_row(op, level) + first;
  const int32_t table = op->level_table[level] * op->out_c + first;
  const int32_t* multiplier = op->multiplier + table;
  const int8_t* shift = op->shift + table;
  const uint32_t record_bytes = (uint32_t)nest_record_bytes(op);
  /* Entries of a record: 1 << log. */
  const int32_t log = op->block_cols == 16 ? 1 : op->block_cols == 4 ? 2 : 3;
  const uint32_t round_up = (1u << log) - 1;
  uint32_t from = (uint32_t)*stream;
  const uint32x4_t lane = vidupq_n_u32(0, 1);
  const uint32x4_t steps = vmulq_n_u32(lane, (uint32_t)step);
  uint32x4_t to =
      vaddq_n_u32(vld1q_u32(in_fours ? by_fours : in_order), (uint32_t)rows);
  for (int32_t left = channels; left > 0; left -= 4) {
    /* Beyond the last channel nothing is read. */
    const mve_pred16_t some = vctp32q((uint32_t)left);
    const int32x4_t bias = vldrwq_z_s32(folded, some);
    const uint32x4_t total =
        vldrhq_gather_shifted_offset_z_u32(count + to_total, steps, some);
    uint32x4_t size = vaddq_n_u32(total, round_up);
    size = vmulq_n_u32(vshlq_r_u32(size, -log), record_bytes);
    uint32x4_t streams = vdupq_n_u32(from);
    from += vgetq_lane_u32(size, 0);
    streams = vsetq_lane_u32(from, streams, 1);
    from += vgetq_lane_u32(size, 1);
    streams = vsetq_lane_u32(from, streams, 2);
    from += vgetq_lane_u32(size, 2);
    streams = vsetq_lane_u32(from, streams, 3);
    from += vgetq_lane_u32(size, 3);
    vstrwq_scatter_base_s32(to, 0, bias);
    vstrwq_scatter_base_u32(to, 4, streams);
    vstrwq_scatter_base_s32(to, 8, bias);
    vstrwq_scatter_base_s32(to, 12, vldrwq_z_s32(multiplier, some));
    vstrwq_scatter_base_s32(to, 16, bias);
    vstrwq_scatter_base_s32(to, 20, bias);
    vstrwq_scatter_base_s32(to, 24, vldrbq_z_s32(shift, some));
    vstrwq_scatter_base_u32(
        to, 28, vldrhq_gather_shifted_offset_z_u32(count, steps, some));
    to = vaddq_n_u32(to, 4 * sizeof(nest_mve_row));
    folded += 4;
    multiplier += 4;
    shift += 4;
    count += 4 * step;
  }
  *stream = (const uint8_t*)from;
}
#else
typedef int nest_mve_plan_rows_is_for_mve; /* ISO C wants a declaration */
#endif
