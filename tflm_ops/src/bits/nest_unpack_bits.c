#include <string.h>

#include "bits.h"

#define UPPER 0xf0f0f0f0u
#define LOWER 0x0f0f0f0fu
#define EIGHTS 0x08080808u

/* Groups that the assembly takes at a time; the rest is for the C below it. */
#define STEP 4

/* In C, for each group of a step, of words
 *   to[0] = high[0] & UPPER; to[1] = high[0] << 4 & UPPER;
 *   high += 1; to += 2;
 * and for weights of 8 bits
 *   to[0] = less_8(high[0] & UPPER | low[0] >> 4 & LOWER);
 *   to[1] = less_8(high[0] << 4 & UPPER | low[0] & LOWER);
 *   high += 1; low += 1; to += 2; */
#if defined(__ARM_FEATURE_MVE)
static void step_4(const uint8_t* high, int32_t steps, int8_t* to) {
  __asm__ volatile(
      "vmov.i8 q3, #0xf0\n\t"
      "dls lr, %2\n"
      "1:\n\t"
      "vldrb.8 q0, [%0], #16\n\t"
      "vshl.i8 q1, q0, #4\n\t"
      "vand q0, q0, q3\n\t"
      "vst20.32 {q0, q1}, [%1]\n\t"
      "vst21.32 {q0, q1}, [%1]!\n\t"
      "le lr, 1b"
      : "+r"(high), "+r"(to)
      : "r"(steps)
      : "q0", "q1", "q3", "lr", "memory");
}

static void step_8(const uint8_t* high, const uint8_t* low, int32_t steps,
                   int8_t* to) {
  __asm__ volatile(
      "vmov.i8 q3, #8\n\t"
      "dls lr, %3\n"
      "1:\n\t"
      "vldrb.8 q0, [%0], #16\n\t"
      "vldrb.8 q2, [%1], #16\n\t"
      "vmov q1, q2\n\t"
      "vsli.8 q1, q0, #4\n\t"
      "vsri.8 q0, q2, #4\n\t"
      "vsub.i8 q1, q1, q3\n\t"
      "vsub.i8 q0, q0, q3\n\t"
      "vst20.32 {q0, q1}, [%2]\n\t"
      "vst21.32 {q0, q1}, [%2]!\n\t"
      "le lr, 1b"
      : "+r"(high), "+r"(low), "+r"(to)
      : "r"(steps)
      : "q0", "q1", "q2", "q3", "lr", "memory");
}
#elif defined(__ARM_FEATURE_DSP)
/* Two groups of 4 bits, r4 and r5 being their words, r12 UPPER. */
#define TWO_OF_4(word0, word1) \
  "and r7, r12, " word0        \
  "\n\t"                       \
  "and r8, r12, " word0        \
  ", lsl #4\n\t"               \
  "and r9, r12, " word1        \
  "\n\t"                       \
  "and r10, r12, " word1       \
  ", lsl #4\n\t"               \
  "stm r2!, {r7, r8, r9, r10}\n\t"

static void __attribute__((naked, noinline))
step_4(__attribute__((unused)) const uint8_t* high,
       __attribute__((unused)) int32_t steps,
       __attribute__((unused)) int8_t* to) {
  __asm__ volatile(
      "push {r4-r10, lr}\n\t"
      "mov r12, #0xf0f0f0f0\n"
      "1:\n\t"
      "ldm r0!, {r3, r4, r5, r6}\n\t" TWO_OF_4("r3", "r4") TWO_OF_4("r5", "r6")
      "subs r1, #1\n\t"
      "bne 1b\n\t"
      "pop {r4-r10, pc}\n");
}

/* A group of 8 bits; r10 LOWER, r11 EIGHTS, r12 UPPER. */
#define ONE_OF_8(high, low)  \
  "and r8, r12, " high       \
  "\n\t"                     \
  "and r9, r10, " low        \
  ", lsr #4\n\t"             \
  "orr r8, r9\n\t"           \
  "and " high ", r12, " high \
  ", lsl #4\n\t"             \
  "and r9, r10, " low        \
  "\n\t"                     \
  "orr r9, " high            \
  "\n\t"                     \
  "ssub8 r8, r8, r11\n\t"    \
  "ssub8 r9, r9, r11\n\t"    \
  "strd r8, r9, [r3], #8\n\t"

static void __attribute__((naked, noinline))
step_8(__attribute__((unused)) const uint8_t* high,
       __attribute__((unused)) const uint8_t* low,
       __attribute__((unused)) int32_t steps,
       __attribute__((unused)) int8_t* to) {
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "mov r10, #0x0f0f0f0f\n\t"
      "mov r11, #0x08080808\n\t"
      "mov r12, #0xf0f0f0f0\n"
      "1:\n\t"
      "ldm r0!, {r4, r5}\n\t"
      "ldm r1!, {r6, r7}\n\t" ONE_OF_8("r4", "r6") ONE_OF_8("r5", "r7")
      "ldm r0!, {r4, r5}\n\t"
      "ldm r1!, {r6, r7}\n\t" ONE_OF_8("r4", "r6") ONE_OF_8("r5", "r7")
      "subs r2, #1\n\t"
      "bne 1b\n\t"
      "pop {r4-r11, pc}\n");
}
#endif

/* Each byte less 8, modulo 256. */
static inline uint32_t less_8(uint32_t bytes) {
  /* Bit 7 is set, so that no byte borrows, and then made what it is. */
  const uint32_t top = 0x80808080u;
  return ((bytes | top) - EIGHTS) ^ (~bytes & top);
}

static inline uint32_t load(const uint8_t* from) {
  uint32_t word;
  memcpy(&word, from, 4);
  return word;
}

static inline void store(uint32_t word, int8_t* to) { memcpy(to, &word, 4); }

static void rest_4(const uint8_t* high, int32_t groups, int8_t* to) {
  for (; groups > 0; --groups, high += 4, to += NEST_BITS_GROUP) {
    const uint32_t upper = load(high);
    store(upper & UPPER, to);
    store(upper << 4 & UPPER, to + 4);
  }
}

static void rest_8(const uint8_t* high, const uint8_t* low, int32_t groups,
                   int8_t* to) {
  for (; groups > 0; --groups, high += 4, low += 4, to += NEST_BITS_GROUP) {
    const uint32_t upper = load(high), lower = load(low);
    store(less_8((upper & UPPER) | (lower >> 4 & LOWER)), to);
    store(less_8((upper << 4 & UPPER) | (lower & LOWER)), to + 4);
  }
}

/* Refer header file for details. */
void nest_unpack_bits(const uint8_t* high, const uint8_t* low, int32_t groups,
                      int8_t* to) {
  int32_t done = 0;
#if defined(__ARM_FEATURE_MVE) || defined(__ARM_FEATURE_DSP)
  const int32_t steps = groups / STEP;
  if (steps > 0 && low == NULL) step_4(high, steps, to);
  if (steps > 0 && low != NULL) step_8(high, low, steps, to);
  done = steps * STEP;
  high += 4 * done;
  to += NEST_BITS_GROUP * done;
#endif
  if (low == NULL) {
    rest_4(high, groups - done, to);
  } else {
    rest_8(high, low + 4 * done, groups - done, to);
  }
}
