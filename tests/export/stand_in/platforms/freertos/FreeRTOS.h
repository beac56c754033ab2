// Stand-in for ESP-IDF's.
#include <stdint.h>
#define pdMS_TO_TICKS(milliseconds) ((milliseconds) / 10)
