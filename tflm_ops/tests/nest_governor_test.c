/* The governor on a machine whose every Invoke takes
 *   speed * (instructions of the level + OTHERS) / 1000 units. */
#include <string.h>

#include "check.h"
#include "nest/governor.h"

enum { OTHERS = 500000, LEVELS = 3 };

static const uint32_t costs[LEVELS] = {400000, 800000, 2000000};

static uint32_t takes(int32_t level, uint32_t speed) {
  return (uint32_t)((uint64_t)speed * (costs[level] + OTHERS) / 1000);
}

static nest_governor fresh(void) {
  nest_governor governor;
  CHECK(nest_governor_init_costs(&governor, costs, LEVELS) == 1);
  return governor;
}

/* One that has run at its sparsest and at its densest level. */
static nest_governor calibrated(uint32_t speed) {
  nest_governor governor = fresh();
  for (int32_t level = 0; level < LEVELS; level += LEVELS - 1) {
    CHECK(nest_governor_at(&governor, level, NULL) == level);
    nest_governor_after(&governor, takes(level, speed));
  }
  return governor;
}

/* One Invoke; the level that it ran at. */
static int32_t invoke(nest_governor* governor, uint32_t budget,
                      uint32_t speed) {
  int32_t level = -1;
  CHECK(nest_governor_before(governor, budget, &level) == level);
  CHECK(level == governor->level);
  nest_governor_after(governor, takes(level, speed));
  return level;
}

static int near(uint32_t value, uint32_t expected) {
  const uint32_t distance =
      value > expected ? value - expected : expected - value;
  return distance <= 1 + expected / 10000; /* what rounding costs */
}

static void refuse_what_is_not_known(void) {
  static const uint8_t buffer[] = {
      'N',  'L',  'V', 'L', 1, 1, 2, 255, 0,    0,    0,    0,   0, 0,    0,
      0,    72,   0,   0,   0, 0, 0, 0,   0,    0,    0,    0,   0, 0xff, 0xff,
      0xff, 0xff, 'm', '4', 0, 0, 0, 0,   0,    0,    0,    0,   0, 0,    0,
      0,    0,    0,   9,   0, 0, 0, 'm', '7',  0,    0,    0,   0, 0,    0,
      0,    0,    0,   0,   0, 0, 0, 0,   0xff, 0xff, 0xff, 0xff};
  nest_metadata metadata;
  nest_governor governor;
  CHECK(nest_open_metadata(buffer, sizeof(buffer), &metadata) ==
        NEST_METADATA_OK);
  CHECK(nest_governor_init(&governor, &metadata, "m4") == 1);
  CHECK(governor.levels == 1 && governor.instructions[0] == 9);
  CHECK(nest_governor_init(&governor, &metadata, "m7") == 0);
  CHECK(nest_governor_init(&governor, &metadata, "m55") == 0);
  CHECK(nest_governor_init(&governor, &metadata, NULL) == 0);
  CHECK(nest_governor_init_costs(&governor, costs, 0) == 0);
  CHECK(nest_governor_init_costs(&governor, costs, 33) == 0);
  const uint32_t zero[2] = {1, 0};
  CHECK(nest_governor_init_costs(&governor, zero, 2) == 0);
}

static void learn_what_levels_take(void) {
  nest_governor governor = fresh();
  CHECK(nest_governor_expects(&governor, 2) == 0);
  CHECK(invoke(&governor, UINT32_MAX, 10) == 0); /* nothing known: the floor */
  /* In proportion to the nested ops until another level has run. */
  CHECK(near(nest_governor_expects(&governor, 2), takes(0, 10) * 5));
  nest_governor_at(&governor, 2, NULL);
  nest_governor_after(&governor, takes(2, 10));
  CHECK(near(governor.fixed, OTHERS));
  for (int32_t level = 0; level < LEVELS; ++level) {
    CHECK(near(nest_governor_expects(&governor, level), takes(level, 10)));
  }
}

static void fit_the_budget(void) {
  const uint32_t speeds[] = {1, 10, 1300, 100000};
  for (int i = 0; i < 4; ++i) {
    const uint32_t speed = speeds[i];
    for (int32_t level = 0; level < LEVELS; ++level) {
      /* 5 % margin and 10 % headroom, and what a level more would take. */
      const uint32_t enough = takes(level, speed) + takes(level, speed) / 6;
      nest_governor governor = calibrated(speed);
      CHECK(level == LEVELS - 1 || enough < takes(level + 1, speed));
      for (int n = 0; n < 8; ++n) {
        invoke(&governor, enough, speed);
      }
      CHECK(governor.level == level);
    }
    nest_governor governor = calibrated(speed);
    CHECK(invoke(&governor, 0, speed) == 0); /* nothing fits: the floor */
  }
}

static void go_down_at_once_and_up_with_patience(void) {
  nest_governor governor = calibrated(10);
  const uint32_t low = takes(0, 10) * 5 / 4, high = takes(2, 10) * 5 / 4;
  CHECK(invoke(&governor, high, 10) == 2);
  CHECK(invoke(&governor, low, 10) == 0);
  for (uint32_t n = 1; n < governor.patience; ++n) {
    CHECK(invoke(&governor, high, 10) == 0);
  }
  CHECK(invoke(&governor, high, 10) == 2);
  /* One low budget starts the count anew. */
  CHECK(invoke(&governor, low, 10) == 0);
  CHECK(invoke(&governor, high, 10) == 0);
  CHECK(invoke(&governor, low, 10) == 0);
  for (uint32_t n = 1; n < governor.patience; ++n) {
    CHECK(invoke(&governor, high, 10) == 0);
  }
  CHECK(invoke(&governor, high, 10) == 2);
  /* What is enough to stay is not enough to come back: no flicker. */
  const uint32_t just = takes(2, 10) * 11 / 10;
  CHECK(invoke(&governor, just, 10) == 2);
  CHECK(invoke(&governor, low, 10) == 0);
  for (int n = 0; n < 20; ++n) {
    CHECK(invoke(&governor, just, 10) < 2);
  }
}

static void follow_the_machine(void) {
  nest_governor governor = calibrated(10);
  const uint32_t budget = takes(2, 10) * 5 / 4;
  CHECK(invoke(&governor, budget, 10) == 2);
  /* Half the clock: one Invoke too long, none after it. */
  CHECK(takes(invoke(&governor, budget, 20), 20) > budget);
  for (int n = 0; n < 50; ++n) {
    CHECK(takes(invoke(&governor, budget, 20), 20) <= budget);
  }
  CHECK(governor.level == 1);
  /* And back: up again, once the slow ones are forgotten. */
  int invokes = 0;
  while (invoke(&governor, budget, 10) < 2) {
    CHECK(++invokes < 100);
  }
  CHECK(invokes > (int)governor.patience);
}

static void stay_between_floor_and_ceiling(void) {
  nest_governor governor = calibrated(10);
  governor.floor = 1;
  CHECK(invoke(&governor, 0, 10) == 1);
  governor.ceiling = 1;
  for (int n = 0; n < 8; ++n) {
    CHECK(invoke(&governor, UINT32_MAX, 10) == 1);
  }
  governor.ceiling = 2;
  for (uint32_t n = 0; n < governor.patience; ++n) {
    invoke(&governor, UINT32_MAX, 10);
  }
  CHECK(governor.level == 2);
  governor.ceiling = 0; /* below the floor: it counts */
  CHECK(invoke(&governor, UINT32_MAX, 10) == 0);
  governor.floor = -7;
  governor.ceiling = 99;
  CHECK(invoke(&governor, 0, 10) == 0);
  CHECK(nest_governor_at(&governor, 99, NULL) == 2);
  CHECK(nest_governor_at(&governor, -1, NULL) == 0);
}

/* A battery for 1000 inferences that lasts for all at level 1 and a few. */
static void spend_an_energy_budget(void) {
  nest_governor governor = calibrated(10);
  const uint32_t all = takes(1, 10) * 1300;
  uint32_t left = all;
  for (uint32_t n = 1000; n > 0; --n) {
    const int32_t level = nest_governor_before(&governor, left / n, NULL);
    const uint32_t used = takes(level, 10);
    CHECK(used <= left);
    nest_governor_after(&governor, used);
    left -= used;
  }
  CHECK(left < all / 10);
}

/* Any numbers: no level that is not there, nothing that overflows. */
static void take_any_numbers(void) {
  uint32_t random = 1;
  uint32_t numbers[8];
  for (int round = 0; round < 20000; ++round) {
    for (int i = 0; i < 8; ++i) {
      random = random * 1664525u + 1013904223u;
      /* Small and large ones alike. */
      const uint32_t bits = random >> 27;
      random = random * 1664525u + 1013904223u;
      numbers[i] = random >> bits;
    }
    const uint32_t any[3] = {numbers[0] | 1, numbers[1] | 1, numbers[2] | 1};
    nest_governor governor;
    CHECK(nest_governor_init_costs(&governor, any, 3) == 1);
    governor.margin = numbers[3];
    governor.headroom = numbers[4];
    governor.patience = numbers[5] % 3;
    governor.fall = numbers[6] % 40;
    for (int i = 0; i < 8; ++i) {
      const int32_t level =
          i == 3 ? nest_governor_at(&governor, (int32_t)(numbers[7] % 5), NULL)
                 : nest_governor_before(&governor, numbers[(i + 5) % 8], NULL);
      CHECK(level >= 0 && level < 3);
      nest_governor_after(&governor, numbers[i]);
      CHECK(governor.rate > 0);
      CHECK(nest_governor_expects(&governor, level) >= numbers[i] ||
            numbers[i] - nest_governor_expects(&governor, level) <=
                1 + (governor.instructions[level] >> 20) +
                    (governor.fixed >> 20));
    }
  }
}

void pick_levels(void); /* nest_test.c */

void pick_levels(void) {
  refuse_what_is_not_known();
  learn_what_levels_take();
  fit_the_budget();
  go_down_at_once_and_up_with_patience();
  follow_the_machine();
  stay_between_floor_and_ceiling();
  spend_an_energy_budget();
  take_any_numbers();
}
