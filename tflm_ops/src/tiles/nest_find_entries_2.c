#include "entries_kernel.h"

#if !defined(__ARM_FEATURE_DSP)
/* Refer header file for details. */
NEST_ENTRIES_KERNELS(2)
#else
typedef int nest_not_for_this_core; /* C wants a declaration */
#endif
