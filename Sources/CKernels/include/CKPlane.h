// One output plane, as the formulations that keep the definition's products compute it: directly, by the rows of a sparse
// Toeplitz matrix, by bands; and the gradient of its filter.
#ifndef CK_PLANE_H
#define CK_PLANE_H
#include "CKVariant.h"
#include <stddef.h>

// Elements of the tile that holds the edges of an image with their padding, on the stack of who computes.
enum { CK_PLANE_TILE = 8192 };

// How planes of an image, of a filter and of the output meet: output `(a, b)` is the sum over channels and taps of
// `filter[c][u][v] · image[c][a·rowStep + u·rowDilation − top][b·columnStep + v·columnDilation − left]`, where pixels
// outside of the image are zeros.
typedef struct CKPlane {
  ptrdiff_t channels;  // planes of the image, one behind the other, and of the filter
  ptrdiff_t height, width;  // of the image
  ptrdiff_t filterHeight, filterWidth;
  ptrdiff_t filterStep;  // from the first tap of a plane of the filter to that of the next
  ptrdiff_t tapStep;  // from tap to tap: 1, or −1 for a filter that is turned by 180°, which begins at its last tap
  ptrdiff_t outputHeight, outputWidth;
  ptrdiff_t top, left;  // padding
  ptrdiff_t rowStep, columnStep;  // pixels from output to output
  ptrdiff_t rowDilation, columnDilation;  // pixels from tap to tap
} CKPlane;

// Whether the kernels of any variant take a problem: edges are copied into a tile of fixed size, so that the largest filters
// over padding, or with few outputs, are left to others.
bool ck_plane_takes(const CKPlane *plane);

// Whether any output meets padding.
bool ck_plane_is_padded(const CKPlane *plane);

// Whether outputs and taps stand on pixels side by side.
bool ck_plane_is_dense(const CKPlane *plane);

// The rows of a sparse Toeplitz matrix that make one output plane; outputs of a row stand on pixels side by side.
typedef struct CKStencil {
  ptrdiff_t channels;  // planes of the image, one behind the other, each with a block of entries
  ptrdiff_t height, width;  // of the image
  ptrdiff_t outputWidth;
  ptrdiff_t rowStride;  // image rows from one row of outputs to the next
} CKStencil;

// The entries of one channel, `first ..< end`, and the outputs of a row that every one of them reaches, `lower ..< upper`.
typedef struct CKStencilBlock {
  ptrdiff_t first, end, lower, upper;
} CKStencilBlock;

// A weight; the row and the column at which it stands from the output's own, and the outputs of a row that it reaches.
typedef struct CKStencilEntryF32 {
  float weight;
  ptrdiff_t row, column, lower, upper;
} CKStencilEntryF32;
typedef struct CKStencilEntryF64 {
  double weight;
  ptrdiff_t row, column, lower, upper;
} CKStencilEntryF64;

// The bands that make one output plane; outputs of a row stand on pixels side by side.
typedef struct CKBands {
  ptrdiff_t channels;  // planes of the image, one behind the other
  ptrdiff_t height, width;  // of the image
  ptrdiff_t filterHeight, filterWidth;
  ptrdiff_t outputHeight, outputWidth;
  ptrdiff_t top, left;  // padding
  ptrdiff_t rowStride, rowDilation, columnDilation;
} CKBands;

// The functions, in float32 and float64. `rows`, `stencil` and `bands` write the rows `first ..< end` of one output plane,
// `output` being where row 0 begins: one chain of products an output, from `bias` on. They read nothing but what they are
// given, and write nothing but these rows, so that parts may be computed at the same time, and whatever the parts are, the
// sums are the same.
//
// - `rows`: by channel, row and column of the filter. Products with zeros on the padding are added too, so that where there
//   is padding all taps must be finite.
// - `stencil`: by channel and entry, which stand in the order of their rows; those on padding are left out.
// - `bands`: by channel, column and row of the filter, whose planes are given column by column; taps on padding are left
//   out.
// - `products`: by channel, column of the filter and column of its matrix; the whole matrices of outputHeight × height are
//   given row by row, one after the other. Their zeros are multiplied; taps of other columns than the image's are left out.
// - `dots`: adds to each tap of one plane of a filter the products of `outputs` with the pixels of one plane of the image
//   that it met, in several running sums; those on padding are left out. The plane is dense, and only its extents and
//   padding matter.
// - `columns`: adds to `rows` sums the columns of a matrix, `step` apart in memory, times their factors, in their order.
typedef struct CKPlaneF32 {
  void (*rows)(const CKPlane *plane, const float *filter, const float *image, float bias, float *output, ptrdiff_t first,
      ptrdiff_t end);
  void (*stencil)(const CKStencil *stencil, const CKStencilEntryF32 *entries, const CKStencilBlock *blocks,
      const float *image, float bias, float *output, ptrdiff_t first, ptrdiff_t end);
  void (*bands)(const CKBands *bands, const float *diagonals, const float *image, float bias, float *output,
      ptrdiff_t first, ptrdiff_t end);
  void (*products)(const CKBands *bands, const float *matrices, const float *image, float bias, float *output,
      ptrdiff_t first, ptrdiff_t end);
  void (*dots)(const CKPlane *plane, const float *outputs, const float *image, float *gradient);
  void (*columns)(const float *matrix, ptrdiff_t step, ptrdiff_t rows, ptrdiff_t columns, const float *factors,
      float *sums);
} CKPlaneF32;
typedef struct CKPlaneF64 {
  void (*rows)(const CKPlane *plane, const double *filter, const double *image, double bias, double *output, ptrdiff_t first,
      ptrdiff_t end);
  void (*stencil)(const CKStencil *stencil, const CKStencilEntryF64 *entries, const CKStencilBlock *blocks,
      const double *image, double bias, double *output, ptrdiff_t first, ptrdiff_t end);
  void (*bands)(const CKBands *bands, const double *diagonals, const double *image, double bias, double *output,
      ptrdiff_t first, ptrdiff_t end);
  void (*products)(const CKBands *bands, const double *matrices, const double *image, double bias, double *output,
      ptrdiff_t first, ptrdiff_t end);
  void (*dots)(const CKPlane *plane, const double *outputs, const double *image, double *gradient);
  void (*columns)(const double *matrix, ptrdiff_t step, ptrdiff_t rows, ptrdiff_t columns, const double *factors,
      double *sums);
} CKPlaneF64;

// The functions of a variant that is available.
const CKPlaneF32 *ck_plane_f32(CKVariant variant);
const CKPlaneF64 *ck_plane_f64(CKVariant variant);
#endif
