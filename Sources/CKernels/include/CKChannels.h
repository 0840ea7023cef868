// Correlations of many channels in register blocks, over given rows that were packed side by side. Their plain twin is the
// definition in `DirectOperator`: one chain an output, from the bias on, over the channels and then the taps in their order.
#ifndef CK_CHANNELS_H
#define CK_CHANNELS_H
#include "CKVariant.h"
#include <stddef.h>

// A run of given rows that rows of taps share: under the made rows a, a + 1, … of a block the given rows
// `first + (a + i) · rowStride`, i = 0, 1, …, and `extra` of them more than the block has rows.
typedef struct CKSegment {
  ptrdiff_t first, extra;
} CKSegment;

// A column of taps: made column b stands on given column `first + b · columnStride`, which is inside of the plane for b in
// `lower ..< upper`.
typedef struct CKColumn {
  ptrdiff_t first, lower, upper;
} CKColumn;

// A correlation: `channels` given planes of `rows × columns` make `made` planes of `madeRows × madeColumns`. A packed
// channel holds, for each column of taps, the rows of each segment one after the other, `madeColumns` numbers each: so
// results that are neighbours, also over the end of a row, find their pixels side by side, whatever the stride.
typedef struct CKCorrelation {
  ptrdiff_t channels, rows, columns;
  ptrdiff_t made, madeRows, madeColumns;
  ptrdiff_t rowStride, columnStride;
  const CKSegment *segments;
  ptrdiff_t segmentCount;
  const CKColumn *tapColumns;
  ptrdiff_t tapColumnCount;
  // Made row a stands on given row `rowOffsets[u] + a · rowStride` under row u of the taps; ascending. Rows of taps that
  // stand on padding in all of a block's results are left out; where this is null they are not.
  const ptrdiff_t *rowOffsets;
  ptrdiff_t tapRowCount;
  // Of each tap, row by row: how far its pixels stand behind the packed channel's first number.
  const ptrdiff_t *taps;
  // Numbers of a packed channel, and the channels and made rows that are packed at a time. Nothing is packed where
  // `packedChannel` is 0: then there is one tap, and the given planes are as wide as the made ones and are read as they
  // stand.
  ptrdiff_t packedChannel, channelBlock, rowBlock;
  // Where results stand: (a, b) at `a · outputRowStep + b · outputColumnStep` of planes `outputPlane` apart.
  ptrdiff_t outputPlane, outputRowStep, outputColumnStep;
} CKCorrelation;

// Writes rows `firstRow ..< lastRow` of all made planes, `bias` having a number for each. `weights` holds, for each block of
// made channels (`made` in as few blocks of at most `blockChannels` as there can be, the wider ones last, none wider by more
// than one), for each given channel, for each tap, a number for each channel of the block. `scratch` has room for
// `channelBlock` packed channels, or for `CK_VECTOR_LIMIT` numbers of all channels where nothing is packed, for
// `CK_READ_AHEAD` numbers more, and, where results don't stand side by side, for the results of `rowBlock` rows.
typedef struct CKChannelsF32 {
  ptrdiff_t blockChannels;
  void (*correlate)(const CKCorrelation *shape, const float *image, const float *weights, const float *bias,
      float *output, float *scratch, ptrdiff_t firstRow, ptrdiff_t lastRow);
} CKChannelsF32;

typedef struct CKChannelsF64 {
  ptrdiff_t blockChannels;
  void (*correlate)(const CKCorrelation *shape, const double *image, const double *weights, const double *bias,
      double *output, double *scratch, ptrdiff_t firstRow, ptrdiff_t lastRow);
} CKChannelsF64;

// The most numbers in a vector, and the most that are read behind the last one that counts.
enum { CK_VECTOR_LIMIT = 16, CK_READ_AHEAD = 16 };

const CKChannelsF32 *ck_channels_f32(CKVariant variant);
const CKChannelsF64 *ck_channels_f64(CKVariant variant);
#endif
