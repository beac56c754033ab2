/* Sums over columns of patches, for one pixel or NEST_TILE of them. Not an
 * array: compilers keep arrays in memory at -O2. */
#ifndef NEST_SRC_TILES_SUMS_H_
#define NEST_SRC_TILES_SUMS_H_

#include "../internal.h"

#if defined(__GNUC__)
#define NEST_INLINE inline __attribute__((always_inline))
#else
#define NEST_INLINE inline
#endif

#if defined(__SSE2__)
#include <emmintrin.h>
#include <string.h>

/* Of one pixel: four parts of its sum. */
typedef __m128i nest_sums;

/* acc[tile] */
static NEST_INLINE nest_sums nest_load_sums(size_t tile, const int32_t* acc) {
  return tile == 1 ? _mm_cvtsi32_si128(acc[0])
                   : _mm_loadu_si128((const __m128i*)(const void*)acc);
}

static NEST_INLINE __m128i nest_load_4(const int16_t* from) {
  return _mm_loadl_epi64((const __m128i*)(const void*)from);
}

/* sums += a column's weight times its patches[tile]. */
static NEST_INLINE void nest_add_column(nest_sums* sums, const int8_t* weights,
                                        const int16_t* patches, size_t tile) {
  if (tile == 1) {
    const int32_t product = weights[0] * patches[0];
    *sums = _mm_add_epi32(*sums, _mm_cvtsi32_si128(product));
    return;
  }
  const __m128i weight = _mm_set1_epi16(weights[0]);
  /* Pairs of a patch and 0. */
  const __m128i pairs =
      _mm_unpacklo_epi16(nest_load_4(patches), _mm_setzero_si128());
  *sums = _mm_add_epi32(*sums, _mm_madd_epi16(pairs, weight));
}

/* The same for two columns. */
static NEST_INLINE void nest_add_2_columns(nest_sums* sums,
                                           const int8_t* weights,
                                           const int16_t* patches,
                                           size_t tile) {
  if (tile == 1) {
    const int32_t product = weights[0] * patches[0] + weights[1] * patches[1];
    *sums = _mm_add_epi32(*sums, _mm_cvtsi32_si128(product));
    return;
  }
  const uint32_t low = (uint32_t)weights[0] & 0xffff;
  const uint32_t high = (uint32_t)weights[1];
  const __m128i weight = _mm_set1_epi32((int32_t)(high << 16 | low));
  const __m128i pairs =
      _mm_unpacklo_epi16(nest_load_4(patches), nest_load_4(patches + 4));
  *sums = _mm_add_epi32(*sums, _mm_madd_epi16(pairs, weight));
}

/* The same for four columns. */
static NEST_INLINE void nest_add_4_columns(nest_sums* sums,
                                           const int8_t* weights,
                                           const int16_t* patches,
                                           size_t tile) {
  int32_t bytes;
  memcpy(&bytes, weights, 4);
  const __m128i four = _mm_cvtsi32_si128(bytes);
  const __m128i wide = _mm_srai_epi16(_mm_unpacklo_epi8(four, four), 8);
  if (tile == 1) {
    const __m128i product = _mm_madd_epi16(nest_load_4(patches), wide);
    *sums = _mm_add_epi32(*sums, product);
    return;
  }
  for (size_t c = 0; c < 4; c += 2, patches += 2 * tile) {
    const __m128i pairs =
        _mm_unpacklo_epi16(nest_load_4(patches), nest_load_4(patches + 4));
    const __m128i weight =
        c == 0 ? _mm_shuffle_epi32(wide, 0x00) : _mm_shuffle_epi32(wide, 0x55);
    *sums = _mm_add_epi32(*sums, _mm_madd_epi16(pairs, weight));
  }
}

/* acc[tile] = sums. */
static NEST_INLINE void nest_store_sums(const nest_sums* sums, size_t tile,
                                        int32_t* acc) {
  int32_t part[4];
  memcpy(part, sums, sizeof(part));
  if (tile == 1) {
    acc[0] = part[0] + part[1] + part[2] + part[3];
  } else {
    memcpy(acc, part, sizeof(part));
  }
}

#else

typedef struct nest_sums {
  int32_t at0, at1, at2, at3;
} nest_sums;

/* acc[tile] */
static NEST_INLINE nest_sums nest_load_sums(size_t tile, const int32_t* acc) {
  nest_sums sums = {acc[0], 0, 0, 0};
  if (tile == 1) return sums;
  sums.at1 = acc[1];
  sums.at2 = acc[2];
  sums.at3 = acc[3];
  return sums;
}

/* sums += a column's weight times its patches[tile]. */
static NEST_INLINE void nest_add_column(nest_sums* sums, const int8_t* weights,
                                        const int16_t* patches, size_t tile) {
  const int32_t weight = weights[0];
  sums->at0 += weight * patches[0];
  if (tile == 1) return;
  sums->at1 += weight * patches[1];
  sums->at2 += weight * patches[2];
  sums->at3 += weight * patches[3];
}

/* The same for two columns. */
static NEST_INLINE void nest_add_2_columns(nest_sums* sums,
                                           const int8_t* weights,
                                           const int16_t* patches,
                                           size_t tile) {
  nest_add_column(sums, weights, patches, tile);
  nest_add_column(sums, weights + 1, patches + tile, tile);
}

/* The same for four columns. */
static NEST_INLINE void nest_add_4_columns(nest_sums* sums,
                                           const int8_t* weights,
                                           const int16_t* patches,
                                           size_t tile) {
  nest_add_2_columns(sums, weights, patches, tile);
  nest_add_2_columns(sums, weights + 2, patches + 2 * tile, tile);
}

/* acc[tile] = sums. */
static NEST_INLINE void nest_store_sums(const nest_sums* sums, size_t tile,
                                        int32_t* acc) {
  acc[0] = sums->at0;
  if (tile == 1) return;
  acc[1] = sums->at1;
  acc[2] = sums->at2;
  acc[3] = sums->at3;
}

#endif

#endif /* NEST_SRC_TILES_SUMS_H_ */
