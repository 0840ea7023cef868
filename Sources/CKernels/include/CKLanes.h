// Correlations of many channels by vectors of made channels, over planes that are read as they stand. Their plain twin is the
// definition in `DirectOperator`: one chain an output, from the bias on, over the channels and then the taps in their order,
// those on padding left out.
#ifndef CK_LANES_H
#define CK_LANES_H
#include "CKChannels.h"

// Where a filter's weights stand: that of made channel m, given channel c and tap t of a plane at `m · madeStep + c · givenStep +
// t`, all of them among `count` numbers. Tap t is the one numbered `places[t]` of those that are multiplied, or none of them
// where that is below zero.
typedef struct CKLaneFilter {
  ptrdiff_t made, given, taps;
  ptrdiff_t madeStep, givenStep, count;
  const ptrdiff_t *places;
  ptrdiff_t tapCount;
} CKLaneFilter;

// A correlation: `channels` given planes of `rows × columns` make `made` planes of `madeRows × madeColumns`.
typedef struct CKLanes {
  ptrdiff_t channels, rows, columns;
  ptrdiff_t made, madeRows, madeColumns;
  ptrdiff_t rowStride, columnStride;
  // Made row a stands on given row `rowOffsets[u] + a · rowStride` under row u of the taps; ascending.
  const ptrdiff_t *rowOffsets;
  ptrdiff_t tapRowCount;
  const CKColumn *tapColumns;
  ptrdiff_t tapColumnCount;
  // Given channels whose weights, and made rows whose results, are taken at a time.
  ptrdiff_t channelBlock, rowBlock;
  // Whether the weights come from afar each time, so that those of the next channels are asked for beforehand.
  ptrdiff_t isAhead;
  // Where results stand: (a, b) at `a · outputRowStep + b · outputColumnStep` of planes `outputPlane` apart.
  ptrdiff_t outputPlane, outputRowStep, outputColumnStep;
} CKLanes;

// Made channels are taken in blocks of `channels`, those of a row of results at most `results` at a time.
//
// `pack` writes the weights of made block `block`, for each of `count` given channels from `first` on, for each tap that is
// multiplied, a number for each made channel of the block, zeros for those that the last block lacks.
//
// `correlate` writes rows `firstRow ..< lastRow` of the made channels in blocks `firstBlock ..< lastBlock`, `bias` having a number
// for each made channel. `weights` are all packed weights, block by block; or the filter itself where `filter` says how its weights
// stand, which are packed then as they are needed. `scratch` has room for `rowBlock · madeColumns + 1` results of a block of channels,
// for its packed weights of `channelBlock` given ones where `filter` is not null, and for `2 · sizeof(ptrdiff_t)` bytes for
// each tap for each part of a row.
typedef struct CKLanesF32 {
  ptrdiff_t channels, results;
  void (*pack)(const CKLaneFilter *filter, const float *weights, ptrdiff_t block, ptrdiff_t first, ptrdiff_t count,
      float *to);
  void (*correlate)(const CKLanes *shape, const float *image, const float *weights, const CKLaneFilter *filter,
      const float *bias, float *output, float *scratch, ptrdiff_t firstRow, ptrdiff_t lastRow, ptrdiff_t firstBlock,
      ptrdiff_t lastBlock);
} CKLanesF32;

typedef struct CKLanesF64 {
  ptrdiff_t channels, results;
  void (*pack)(const CKLaneFilter *filter, const double *weights, ptrdiff_t block, ptrdiff_t first, ptrdiff_t count,
      double *to);
  void (*correlate)(const CKLanes *shape, const double *image, const double *weights, const CKLaneFilter *filter,
      const double *bias, double *output, double *scratch, ptrdiff_t firstRow, ptrdiff_t lastRow, ptrdiff_t firstBlock,
      ptrdiff_t lastBlock);
} CKLanesF64;

const CKLanesF32 *ck_lanes_f32(CKVariant variant);
const CKLanesF64 *ck_lanes_f64(CKVariant variant);
#endif
