// Stand-in for what sketches use of the Arduino core.
#ifndef STAND_IN_ARDUINO_H_
#define STAND_IN_ARDUINO_H_

#include <stddef.h>
#include <stdint.h>

unsigned long micros();
void delay(unsigned long milliseconds);

struct SerialPort {
  void begin(unsigned long baud);
  size_t print(const char* text);
  size_t print(int value);
  size_t print(long value);
  size_t print(double value);
  size_t println();
  size_t println(const char* text);
};
extern SerialPort Serial;

#endif  // STAND_IN_ARDUINO_H_
