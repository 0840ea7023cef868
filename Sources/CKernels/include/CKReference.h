// Sums of products in more precision than their factors have, with the sums of the products' magnitudes.
#ifndef CK_REFERENCE_H
#define CK_REFERENCE_H
#include <stdbool.h>
#include <stddef.h>
#include "CKVariant.h"

// Which products meet in outputs: tap (c, u, v) of output (a, b) of plane k is pixel c·planeStep + u·rowStep +
// columns[v] + a·outputStep + b behind `source`, times weight k·weightStep + c·weightPlaneStep + u·weightRowStep + v.
// Counts are at least 1, steps in numbers.
typedef struct CKReferenceTaps {
  ptrdiff_t planes, rows, columnCount;
  const ptrdiff_t *columns;
  ptrdiff_t planeStep, rowStep, outputStep;
  ptrdiff_t weightStep, weightPlaneStep, weightRowStep;
} CKReferenceTaps;

// Where the sums of output (a, b) of plane k are written: k·planeStep + a·step + b behind each pointer.
typedef struct CKReferenceSums {
  double *value;
  double *tail;
  double *absolute;
  ptrdiff_t step, planeStep;
} CKReferenceSums;

// What is to be known of sums: that some mean nothing, as their magnitudes leave the range; and that some sums of
// magnitudes are below 2⁻¹¹⁶, which means nothing either where a product other than zero is below 2⁻¹²⁶.
enum { CK_REFERENCE_BAD = 1, CK_REFERENCE_SMALL = 2 };

// The products after which a sum of magnitudes in float32 goes on in float64, or of as many more.
enum { CK_REFERENCE_RUN = 2048 };

// Weights of float32 numbers; where several planes are formed together the same in float64, and their magnitudes, too.
typedef struct CKReferenceWeights {
  const float *plain;
  const double *wide;
  const float *magnitudes;
} CKReferenceWeights;

// The sums of float32 numbers: `start + Σ w·x` in float64, in which every product is exact, one chain an output in the
// order of c, u, v; and at least `|start| + Σ |w·x|`, at most by a factor of 1 + 2.3·2⁻²⁴·(m + 1) + 2⁻³²·n more, n the
// number of products, and m that or twice CK_REFERENCE_RUN where that is less. `tail` is not touched. Forms outputs (0,
// 0) … (rows − 1, count − 1) of `planes` planes, at most `planes` of this table, from a start for each; `count` is at
// least `lanes`. Some are formed twice, those of a row in one go, rows in their order.
typedef struct CKReferenceF32 {
  ptrdiff_t lanes, planes;
  int (*rows)(const CKReferenceTaps *taps, const float *source, CKReferenceWeights weights, const double *starts,
              ptrdiff_t planes, ptrdiff_t rows, ptrdiff_t count, CKReferenceSums sums);
} CKReferenceF32;

// The sums of float64 numbers as `value + tail`, of one plane; bad from 2¹⁰⁰⁰ on. Where `splits`, products are split, and no factor
// may be 2⁹⁹⁵ or more.
typedef struct CKReferenceF64 {
  ptrdiff_t lanes;
  bool splits;
  int (*rows)(const CKReferenceTaps *taps, const double *source, const double *weights, const double *starts, ptrdiff_t rows,
              ptrdiff_t count, CKReferenceSums sums);
} CKReferenceF64;

const CKReferenceF32 *ck_reference_f32(CKVariant variant);
const CKReferenceF64 *ck_reference_f64(CKVariant variant);
#endif
