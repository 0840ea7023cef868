// Sums of products in more precision than their factors have, with the sums of the products' magnitudes.
#ifndef CK_REFERENCE_H
#define CK_REFERENCE_H
#include <stdbool.h>
#include <stddef.h>
#include "CKVariant.h"

// Which products meet in outputs: tap (c, u, v) of output (a, b) is pixel c·planeStep + u·rowStep + columns[v] + a·outputStep + b
// behind `source`, times weight c·weightPlaneStep + u·weightRowStep + v. Counts are at least 1, steps in numbers.
typedef struct CKReferenceTaps {
  ptrdiff_t planes, rows, columnCount;
  const ptrdiff_t *columns;
  ptrdiff_t planeStep, rowStep, outputStep;
  ptrdiff_t weightPlaneStep, weightRowStep;
} CKReferenceTaps;

// Where the sums of output (a, b) are written: a·step + b behind each pointer.
typedef struct CKReferenceSums {
  double *value;
  double *tail;
  double *absolute;
  ptrdiff_t step;
} CKReferenceSums;

// The sums of float32 numbers: `start + Σ w·x` and `|start| + Σ |w·x|` in float64, in which every product is exact; one chain an
// output in the order of c, u, v. `tail` is not touched. Forms outputs (0, 0) … (rows − 1, count − 1); `count` is at least
// `lanes`. Some are formed twice, those of a row in one go, rows in their order.
typedef struct CKReferenceF32 {
  ptrdiff_t lanes;
  void (*rows)(const CKReferenceTaps *taps, const float *source, const float *weights, double start, ptrdiff_t rows,
               ptrdiff_t count, CKReferenceSums sums);
} CKReferenceF32;

// The sums of float64 numbers as `value + tail`. Says whether all magnitudes added up to less than 2¹⁰⁰⁰; where they did not, the
// sums mean nothing. Where `splits`, products are split, and no factor may be 2⁹⁹⁵ or more.
typedef struct CKReferenceF64 {
  ptrdiff_t lanes;
  bool splits;
  bool (*rows)(const CKReferenceTaps *taps, const double *source, const double *weights, double start, ptrdiff_t rows,
               ptrdiff_t count, CKReferenceSums sums);
} CKReferenceF64;

const CKReferenceF32 *ck_reference_f32(CKVariant variant);
const CKReferenceF64 *ck_reference_f64(CKVariant variant);
#endif
