// Stand-in for Zephyr's.
#include <stdint.h>
extern "C" uint32_t k_cycle_get_32(void);
extern "C" uint32_t k_cyc_to_us_floor32(uint32_t cycles);
extern "C" int32_t k_msleep(int32_t milliseconds);
