/* Counts what the governor takes beside an Invoke; for test_governor_cost.py.
 */
#include "board.h"
#include "nest/governor.h"

int main(void) {
  static const uint32_t costs[3] = {414389, 782229, 2065816};
  static nest_governor governor;
  static int32_t level_input;
  uint32_t ticks[5];
  nest_governor_init_costs(&governor, costs, 3);
  board_timer_start();
  ticks[0] = board_timer_read();
  nest_governor_at(&governor, 2, &level_input);
  nest_governor_after(&governor, 42000);
  nest_governor_at(&governor, 0, &level_input);
  nest_governor_after(&governor, 13000);
  governor.patience = 0;
  /* All levels are tried, and the lowest is taken. */
  board_timer_start();
  nest_governor_before(&governor, 1, &level_input);
  ticks[1] = board_timer_read();
  board_timer_start();
  nest_governor_after(&governor, 12900);
  ticks[2] = board_timer_read();
  /* Up by two, and what other ops take is learned. */
  board_timer_start();
  nest_governor_before(&governor, 100000, &level_input);
  ticks[3] = board_timer_read();
  board_timer_start();
  nest_governor_after(&governor, 42100);
  ticks[4] = board_timer_read();
  board_write_fact("empty ", ticks[0]);
  board_write("\n");
  board_write_fact("stay ", ticks[1]);
  board_write("\n");
  board_write_fact("learn ", ticks[2]);
  board_write("\n");
  board_write_fact("switch ", ticks[3]);
  board_write("\n");
  board_write_fact("relearn ", ticks[4]);
  board_write("\n");
  board_write(level_input == 2 ? "done\n" : "error\n");
  board_exit(0);
}
