/* Picks the level before every Invoke: the densest that fits what the next one
 * may take. Integers only, nothing allocated, no clock of its own.
 *
 *   nest_governor_init(&governor, &metadata, "cortex-m4");         once
 *
 *   nest_governor_before(&governor, microseconds_left, level);     every time
 *   start = now();
 *   Invoke();
 *   nest_governor_after(&governor, now() - start);
 *
 * `level` is the data of the model's level input. Budgets and what an Invoke
 * took are in one unit, whichever: microseconds or cycles for a deadline,
 * microjoules for an energy budget (that of one inference: what is left in the
 * battery over the inferences that are to be had from it).
 *
 * What a level takes is expected to be
 *
 *   rate * (instructions[level] + fixed)
 *
 * with the instructions of the model's metadata, which know of the nested ops
 * alone; rate, in units for an instruction, and fixed, what the other ops take
 * at every level, in instructions, are learned from what Invokes took. The rate
 * rises at once with an Invoke that took longer, and falls slowly: it stands
 * for the slow ones among the last few. `fixed` is learned whenever two
 * different levels ran one after the other; until then it is 0, by which denser
 * levels seem dearer than they are. So, before anything depends on it, Invoke
 * at two levels (nest_governor_at). Before the first Invoke the floor is
 * picked.
 */
#ifndef NEST_GOVERNOR_H_
#define NEST_GOVERNOR_H_

#include <stdint.h>

#include "nest/format.h"
#include "nest/metadata.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nest_governor {
  /* To be changed at any time. Shares are in 1024ths. */
  int32_t floor;     /* no level below, even if it misses the budget; 0 */
  int32_t ceiling;   /* no level above; levels - 1 */
  uint32_t margin;   /* share of an expectation to keep free; 51 (5 %) */
  uint32_t headroom; /* share to keep free besides to go up; 102 (10 %) */
  uint32_t patience; /* goes up if it could this many times in a row; 4 */
  uint32_t fall;     /* a faster Invoke takes 1 / 2^fall of its distance off the
                        rate; 4 */
  /* To be read. */
  int32_t levels;
  int32_t level; /* the last one picked */
  uint32_t instructions[NEST_MAX_LEVELS];
  uint32_t fixed;
  uint64_t rate; /* units for an instruction, in 2^-32; 0: not known yet */
  /* Its own. */
  uint32_t waited;
  uint32_t previous_used;
  int32_t previous_level; /* -1: none */
  int32_t knows_fixed;
} nest_governor;

/* Sets a governor up, with the defaults above, by what a core (NULL: the one
 * that the file was converted for) takes at each level. Returns 0, and the
 * governor must not be used, where the metadata has no such core or does not
 * know its instructions; else 1. */
int nest_governor_init(nest_governor* governor, const nest_metadata* metadata,
                       const char* core);

/* The same by costs of your own, measured for instance: 1 to NEST_MAX_LEVELS of
 * them, each above 0. */
int nest_governor_init_costs(nest_governor* governor, const uint32_t* costs,
                             int32_t levels);

/* Picks the densest level that is expected to take no more than the budget,
 * and writes it to *level_input (unless that is NULL). Goes down at once;
 * goes up with headroom and patience. If the floor does not fit either, the
 * floor it is: nest_governor_expects tells. Returns the level. */
int32_t nest_governor_before(nest_governor* governor, uint32_t budget,
                             int32_t* level_input);

/* Writes a level of your own instead, moved into 0..levels-1. */
int32_t nest_governor_at(nest_governor* governor, int32_t level,
                         int32_t* level_input);

/* Learns from an Invoke at the level written last what it took, in the
 * budget's unit. */
void nest_governor_after(nest_governor* governor, uint32_t used);

/* What a level of 0..levels-1 is expected to take, margin not included; 0
 * before the first Invoke, at most UINT32_MAX. */
uint32_t nest_governor_expects(const nest_governor* governor, int32_t level);

#ifdef __cplusplus
}
#endif

#endif /* NEST_GOVERNOR_H_ */
