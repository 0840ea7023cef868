// The gradient of a convolution of many channels by its filter: for each tap the products of the derivative by the results
// with the pixels under it, summed over the results. Its plain twin is `accumulateDirectGradient`.
#ifndef CK_FILTER_GRADIENT_H
#define CK_FILTER_GRADIENT_H
#include "CKVariant.h"
#include <stddef.h>

// `channels` given planes of `rows × columns` and `made` planes of `madeRows × madeColumns` meet under `tapRows ×
// tapColumns` taps: made element (a, b) on given element (a · rowStride + u · rowDilation − above, b · columnStride + v ·
// columnDilation − before).
typedef struct CKFilterShape {
  ptrdiff_t channels, rows, columns;
  ptrdiff_t made, madeRows, madeColumns;
  ptrdiff_t tapRows, tapColumns;
  ptrdiff_t rowStride, rowDilation, columnDilation;
  ptrdiff_t above, before;
  // Columns from the first that a tap meets to the last, on the padding or not.
  ptrdiff_t paddedColumns;
  // `b · columnStride · channels` for each made column b.
  const ptrdiff_t *places;
  // Made rows that are taken at a time.
  ptrdiff_t rowBlock;
} CKFilterShape;

// Adds the products of one image to `sums`: with dilation 1 along the columns `tapRows × made × tapColumns × channels`
// numbers, else `tapRows × tapColumns × made × channels`; one chain for each, over the results in row-major order, those on
// padding as zeros. `scratch` has room for `rowBlock · madeColumns · made` numbers, for the given rows under `rowBlock` made
// ones, each of `paddedColumns · channels` numbers, and for CK_READ_AHEAD of CKChannels.h more.
typedef struct CKFilterGradientF32 {
  void (*add)(const CKFilterShape *shape, const float *image, const float *upstream, float *sums, float *scratch);
} CKFilterGradientF32;

typedef struct CKFilterGradientF64 {
  void (*add)(const CKFilterShape *shape, const double *image, const double *upstream, double *sums, double *scratch);
} CKFilterGradientF64;

const CKFilterGradientF32 *ck_filter_gradient_f32(CKVariant variant);
const CKFilterGradientF64 *ck_filter_gradient_f64(CKVariant variant);
#endif
