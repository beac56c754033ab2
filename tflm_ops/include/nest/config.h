/* What the kernels are built with; flags (-DNEST_WIDTHS=0) go before it. */
#ifndef NEST_CONFIG_H_
#define NEST_CONFIG_H_

/* Whether levels may be widths: fewer channels of every layer. About 3 KB of
 * code. With 0, nest_open refuses such an op: NEST_ERROR_WIDTHS. `keras-nest
 * export` writes 0 here where the model has none. */
#ifndef NEST_WIDTHS
#define NEST_WIDTHS 1
#endif

/* Whether levels may be bits: 4 or 8 of every weight. About 1 KB of code. With
 * 0, nest_open refuses such an op: NEST_ERROR_BITS. `keras-nest export` writes
 * 0 here where the model has none. */
#ifndef NEST_BITS
#define NEST_BITS 1
#endif

#endif /* NEST_CONFIG_H_ */
