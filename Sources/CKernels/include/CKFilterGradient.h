// The gradient of a convolution of many channels by its filter: for each tap the products of the derivative by the results
// with the pixels under it, summed over the results. Its plain twin is `accumulateDirectGradient`.
#ifndef CK_FILTER_GRADIENT_H
#define CK_FILTER_GRADIENT_H
#include "CKLanes.h"

// `channels` given planes of `rows × columns` and `made` planes of `madeRows × madeColumns` meet under `tapRows ×
// tapColumns` taps: made element (a, b) on given element (a · rowStride + u · rowDilation − above, b · columnStride + v ·
// columnDilation − before).
typedef struct CKFilterShape {
  ptrdiff_t channels, rows, columns;
  ptrdiff_t made, madeRows, madeColumns;
  ptrdiff_t tapRows, tapColumns;
  ptrdiff_t rowStride, columnStride, rowDilation, columnDilation;
  ptrdiff_t above, before;
  // Made rows and given channels that are taken at a time.
  ptrdiff_t rowBlock, channelBlock;
} CKFilterShape;

// Adds the products of one image to `gradient`, `made × channels × tapRows × tapColumns` numbers, of the made channels in blocks
// `firstBlock ..< lastBlock`, of `channels` of CKLanesF32 each: for each block of rows a sum over its results in row-major order.
// Products on padding are left out. `scratch` has room for a number for each channel of a block, for a block's derivative by
// the results of `rowBlock` rows, for its sums of `channelBlock` given channels, and for `2 · sizeof(ptrdiff_t)` bytes for each
// made column for each part of a row of taps, of at most `results` of CKLanesF32 each.
typedef struct CKFilterGradientF32 {
  void (*add)(const CKFilterShape *shape, const float *image, const float *upstream, float *gradient, float *scratch,
      ptrdiff_t firstBlock, ptrdiff_t lastBlock);
} CKFilterGradientF32;

typedef struct CKFilterGradientF64 {
  void (*add)(const CKFilterShape *shape, const double *image, const double *upstream, double *gradient, double *scratch,
      ptrdiff_t firstBlock, ptrdiff_t lastBlock);
} CKFilterGradientF64;

const CKFilterGradientF32 *ck_filter_gradient_f32(CKVariant variant);
const CKFilterGradientF64 *ck_filter_gradient_f64(CKVariant variant);
#endif
