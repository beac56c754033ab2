/* What must hold in every run, whatever the bytes. */
#ifndef NEST_FUZZ_CHECK_H_
#define NEST_FUZZ_CHECK_H_

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                            \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                        \
    }                                                                 \
  } while (0)

#endif /* NEST_FUZZ_CHECK_H_ */
