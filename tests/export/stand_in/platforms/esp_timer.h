// Stand-in for ESP-IDF's.
#include <stdint.h>
extern "C" int64_t esp_timer_get_time(void);
