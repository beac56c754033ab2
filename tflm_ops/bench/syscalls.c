/* What the C library's stdio stands on, for the unit tests; the bench itself
 * uses no stdio. */
#include "board.h"

#if defined(__riscv) /* picolibc */
#include <stdio.h>

static int put(char c, FILE* stream) {
  (void)stream;
  const char text[2] = {c, 0};
  board_write(text);
  return (unsigned char)c;
}

static FILE console = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE* const stdout = &console;
FILE* const stderr = &console;

void _exit(int status) { board_exit(status); }

#else /* newlib */
#include <stddef.h>
#include <sys/stat.h>

int _write(int file, const char* from, int count);
int _read(int file, char* to, int count);
int _lseek(int file, int offset, int whence);
int _close(int file);
int _fstat(int file, struct stat* facts);
int _isatty(int file);
int _kill(int process, int signal);
int _getpid(void);
void _exit(int status);
void* _sbrk(ptrdiff_t more);

int _write(int file, const char* from, int count) {
  (void)file;
  for (int i = 0; i < count; ++i) {
    const char text[2] = {from[i], 0};
    board_write(text);
  }
  return count;
}

int _read(int file, char* to, int count) {
  (void)file, (void)to, (void)count;
  return 0;
}

int _lseek(int file, int offset, int whence) {
  (void)file, (void)offset, (void)whence;
  return 0;
}

int _close(int file) {
  (void)file;
  return 0;
}

int _fstat(int file, struct stat* facts) {
  (void)file;
  facts->st_mode = S_IFCHR;
  return 0;
}

int _isatty(int file) {
  (void)file;
  return 1;
}

int _kill(int process, int signal) {
  (void)process, (void)signal;
  board_exit(3);
}

int _getpid(void) { return 1; }

void _exit(int status) { board_exit(status); }

void* _sbrk(ptrdiff_t more) {
  static uint8_t* next = board_free_begin;
  if (more > board_free_end - next) return (void*)-1;
  uint8_t* const before = next;
  next += more;
  return before;
}
#endif
