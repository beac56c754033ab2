#include <string.h>

#include "../direct.h"

/* Refer header file for details. */
void nest_copy_pixel(const nest_op* op, const nest_layout* layout,
                     const int8_t* from, uint8_t* to) {
  const int32_t lanes = layout->lanes;
  for (int32_t c = 0; c < op->in_c; c += lanes, to += layout->plane_bytes) {
    memcpy(to, from + c, (size_t)lanes);
  }
}
