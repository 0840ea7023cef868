// Sums of weighted rows, the two passes of a separable filter.
#ifndef CK_WEIGHTED_SUM_H
#define CK_WEIGHTED_SUM_H
#include <stdbool.h>
#include <stddef.h>
#include "CKVariant.h"

// Σ_t weights[t] · source[t·step + b] for b in 0 ..< count: one chain from zero for each b, in the order of t. `set` writes it to
// target[b]; `add` adds it to target[b], rounding once more.
#define CK_WEIGHTED_SUM(REAL) \
  { \
    void (*set)(const REAL *weights, ptrdiff_t terms, const REAL *source, ptrdiff_t step, REAL *target, ptrdiff_t count); \
    void (*add)(const REAL *weights, ptrdiff_t terms, const REAL *source, ptrdiff_t step, REAL *target, ptrdiff_t count); \
  }
typedef struct CKWeightedSumF32 CK_WEIGHTED_SUM(float) CKWeightedSumF32;
typedef struct CKWeightedSumF64 CK_WEIGHTED_SUM(double) CKWeightedSumF64;

const CKWeightedSumF32 *ck_weighted_sum_f32(CKVariant variant);
const CKWeightedSumF64 *ck_weighted_sum_f64(CKVariant variant);
#endif
