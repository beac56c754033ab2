/* A check that ends the test and says where. */
#ifndef NEST_TESTS_CHECK_H_
#define NEST_TESTS_CHECK_H_

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

#endif /* NEST_TESTS_CHECK_H_ */
