#include <string.h>

#include "patches.h"

/* to[0..bytes) = from[0..bytes); no overlap. Inline: runs of a few bytes. */
static inline void copy_bytes(int8_t* to, const int8_t* from, int32_t bytes) {
#if defined(__ARM_FEATURE_MVE)
  __asm__ volatile(
      "wlstp.8 lr, %2, 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%1], #16\n\t"
      "vstrb.8 q0, [%0], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : "+r"(to), "+r"(from)
      : "r"(bytes)
      : "q0", "lr", "cc", "memory");
#elif defined(__ARM_FEATURE_UNALIGNED)
  if (bytes >= 4) { /* in words, the last one where it ends */
    const int32_t last = bytes - 4;
    for (int32_t i = 0; i < last; i += 4) memcpy(to + i, from + i, 4);
    memcpy(to + last, from + last, 4);
  } else {
    for (; bytes > 0; --bytes) *to++ = *from++;
  }
#else
  memcpy(to, from, (size_t)bytes);
#endif
}

/* All rows of taps, none of them in the padding. */
static inline void copy_runs(const nest_patches* p, int8_t* to) {
  const int8_t* from = p->input + p->at;
#if defined(__ARM_FEATURE_MVE)
  if (p->run <= 16) {
    __asm__ volatile(
        "vctp.8 %[run]\n\t"
        "dls lr, %[runs]\n"
        "1:\n\t"
        "vpstt\n\t"
        "vldrbt.8 q0, [%[from]]\n\t"
        "vstrbt.8 q0, [%[to]]\n\t"
        "add %[from], %[pitch]\n\t"
        "add %[to], %[run]\n\t"
        "le lr, 1b"
        : [to] "+r"(to), [from] "+r"(from)
        : [run] "r"(p->run), [runs] "r"(p->runs), [pitch] "r"(p->pitch)
        : "q0", "lr", "memory");
    return;
  }
  /* The same 16 bytes at a time; both go on past the run's end, and back. */
  int32_t runs = p->runs;
  const int32_t past = (p->run + 15) / 16 * 16;
  __asm__ volatile(
      "1:\n\t"
      "dlstp.8 lr, %[run]\n"
      "2:\n\t"
      "vldrb.8 q0, [%[from]], #16\n\t"
      "vstrb.8 q0, [%[to]], #16\n\t"
      "letp lr, 2b\n\t"
      "add %[from], %[next]\n\t"
      "add %[to], %[back]\n\t"
      "subs %[runs], #1\n\t"
      "bne 1b"
      : [to] "+r"(to), [from] "+r"(from), [runs] "+r"(runs)
      : [run] "r"(p->run), [next] "r"(p->pitch - (uintptr_t)past),
        [back] "r"(p->run - past)
      : "q0", "lr", "cc", "memory");
#else
  for (int32_t ky = p->runs; ky > 0; --ky, to += p->run, from += p->pitch) {
    copy_bytes(to, from, p->run);
  }
#endif
}

/* A row of taps of which some are in the padding; that is filled already. */
static void copy_inside(const nest_patches* p, uintptr_t at, int8_t* to) {
  const nest_op* op = p->op;
  const int32_t pixel = op->in_c;
  if (op->dilation_w > 1) {
    int32_t x = p->x;
    for (int32_t kx = 0; kx < op->kernel_w; ++kx, to += pixel) {
      if (x >= 0 && x < op->in_w) copy_bytes(to, p->input + at, pixel);
      x += op->dilation_w;
      at += nest_place_of(op, 0, op->dilation_w);
    }
    return;
  }
  const int32_t first = p->x < 0 ? -p->x : 0;
  const int32_t left = op->in_w - p->x;
  const int32_t end = left < op->kernel_w ? left : op->kernel_w;
  if (end > first) {
    copy_bytes(to + first * pixel, p->input + (at + (uintptr_t)(first * pixel)),
               (end - first) * pixel);
  }
}

NEST_AROUND static void copy_patch(const nest_patches* p, int8_t* patch) {
  const nest_op* op = p->op;
  uintptr_t at = p->at;
  int32_t y = p->y;
  memset(patch, op->input_zero_point, (size_t)op->columns);
  for (int32_t ky = 0; ky < op->kernel_h; ++ky, patch += p->run) {
    if (y >= 0 && y < op->in_h) copy_inside(p, at, patch);
    y += op->dilation_h;
    at += p->pitch;
  }
}

static void advance(nest_patches* p) {
  const nest_op* op = p->op;
  p->x += op->stride_w;
  p->at += nest_place_of(op, 0, op->stride_w);
  if (++p->ox < op->out_w) return;
  p->ox = 0;
  p->x = -op->pad_left;
  p->y += op->stride_h;
  p->at = nest_place_of(op, p->y, p->x);
}

/* Refer header file for details. */
const int8_t* nest_next_patch(nest_patches* p, int8_t* patch) {
  const nest_op* op = p->op;
  if (op->kernel_h == 1 && op->kernel_w == 1) {
    /* Without padding: a window overlaps the input, and it is one pixel. */
    const int8_t* from = p->input + p->at;
    advance(p);
    return from;
  }
  if (p->x >= 0 && p->x <= p->last_x && p->y >= 0 && p->y <= p->last_y) {
    copy_runs(p, patch);
  } else {
    copy_patch(p, patch);
  }
  advance(p);
  return patch;
}
