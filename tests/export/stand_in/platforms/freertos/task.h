// Stand-in for ESP-IDF's.
extern "C" void vTaskDelay(uint32_t ticks);
