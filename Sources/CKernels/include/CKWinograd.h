// Winograd's convolutions F(m, r) of many channels, tile by tile. Their plain twin, which says what is computed in which
// order, is `WinogradTransform`; where FMA is there, products are not rounded before they are added.
#ifndef CK_WINOGRAD_H
#define CK_WINOGRAD_H
#include "CKLanes.h"

// Tiles of `outputs × outputs` results from filters of `taps × taps`: (2, 3), (4, 3), (6, 3) or (2, 5). `given` planes of
// `rows × columns` make `made` planes of `madeRows × madeColumns`, whose first result's first tap stands `above` and
// `before` the first given element.
typedef struct CKWinogradShape {
  ptrdiff_t outputs, taps;
  ptrdiff_t given, rows, columns;
  ptrdiff_t made, madeRows, madeColumns;
  ptrdiff_t above, before;
  // Tiles that are taken at a time.
  ptrdiff_t block;
  // Whether vectors go along the made channels, which are whole blocks then, and not along the tiles.
  ptrdiff_t isAlongChannels;
} CKWinogradShape;

// Writes tiles `firstTile ..< lastTile`, counted row by row, of all made planes. `filters` holds for each of the n² places of a
// tile, n = outputs + taps − 1, the transformed weights as CKChannelsF32 takes those of a single tap; or, along the made
// channels, as CKLanesF32 does. With b as the smallest multiple of CK_VECTOR_LIMIT that is not below `block`, `scratch` has room for `n² · (b · (given + made) + 2 · CK_VECTOR_LIMIT + 2 · b) + 2 · n · (b · outputs + taps +
// CK_VECTOR_LIMIT)` numbers.
typedef struct CKWinogradF32 {
  void (*apply)(const CKWinogradShape *shape, const float *image, const float *filters, const float *bias, float *output,
      float *scratch, ptrdiff_t firstTile, ptrdiff_t lastTile);
} CKWinogradF32;

typedef struct CKWinogradF64 {
  void (*apply)(const CKWinogradShape *shape, const double *image, const double *filters, const double *bias, double *output,
      double *scratch, ptrdiff_t firstTile, ptrdiff_t lastTile);
} CKWinogradF64;

const CKWinogradF32 *ck_winograd_f32(CKVariant variant);
const CKWinogradF64 *ck_winograd_f64(CKVariant variant);
#endif
