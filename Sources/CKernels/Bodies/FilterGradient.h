// The gradient of many channels by their filter: see CKFilterGradient.h. The tiles are those of Lanes.h: in place of a weight
// stands the derivative by a result, in place of the results stand given channels, or the taps of a row where those are more.

#ifndef FILTER_GRADIENT
#define FILTER_GRADIENT
#define CKFilterGradient_f32 CKFilterGradientF32
#define CKFilterGradient_f64 CKFilterGradientF64
#define addFilterGradient OF_TYPE(addFilterGradient)
#define sumTap OF_TYPE(sumTap)
#define sumTapRow OF_TYPE(sumTapRow)
#define packUpstream OF_TYPE(packUpstream)

// The made elements `lower ..< upper` along an axis whose given ones at `first + a · stride` are inside of `count`.
INLINE void reached(ptrdiff_t first, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t *lower, ptrdiff_t *upper) {
  while (*lower < *upper && first + *lower * stride < 0) ++*lower;
  while (*upper > *lower && first + (*upper - 1) * stride >= count) --*upper;
}
#endif

// The derivative by some results from `first` on of a block of channels, the channels of each side by side.
INLINE void packUpstream(const CKFilterShape *s, const REAL *upstream, ptrdiff_t block, ptrdiff_t first, ptrdiff_t count,
    REAL *to) {
  const ptrdiff_t plane = s->madeRows * s->madeColumns, k = block * LANE_BLOCK;
  const ptrdiff_t there = s->made - k < LANE_BLOCK ? s->made - k : LANE_BLOCK;
  for (ptrdiff_t i = there < LANE_BLOCK ? 0 : count; i < count; i++)
    for (ptrdiff_t lane = there; lane < LANE_BLOCK; lane++) to[i * LANE_BLOCK + lane] = 0;
  transpose(0, upstream + k * plane + first, plane, there, count, to, LANE_BLOCK);
}

// The sums of tap (u, v) of `given` channels over made rows `first ..< last`, whose derivative is `upstream`.
static void sumTap(const CKFilterShape *s, const REAL *image, ptrdiff_t given, ptrdiff_t u, ptrdiff_t v, ptrdiff_t first,
    ptrdiff_t last, const LaneTap *places, const REAL *upstream, const REAL *none, REAL *sums) {
  const ptrdiff_t row = u * s->rowDilation - s->above, column = v * s->columnDilation - s->before;
  const ptrdiff_t plane = s->rows * s->columns, top = first, taps = s->tapRows * s->tapColumns;
  ptrdiff_t lower = 0, upper = s->madeColumns;
  reached(row, s->rowStride, s->rows, &first, &last);
  reached(column, s->columnStride, s->columns, &lower, &upper);
  LaneProduct p = {.source = image + (row + first * s->rowStride) * s->columns + column, .channels = last - first,
      .channelStep = s->rowStride * s->columns, .taps = places + lower, .tapCount = upper - lower,
      .skipped = (s->madeColumns - upper + lower) * LANE_BLOCK, .pixelStep = plane};
  const REAL *from = upstream + ((first - top) * s->madeColumns + lower) * LANE_BLOCK;
  REAL *to = sums + (u * s->tapColumns + v) * LANE_BLOCK;
  const ptrdiff_t parts = (given + LANE_RESULTS - 1) / LANE_RESULTS;
  for (ptrdiff_t part = 0; part < parts; part++) {
    const ptrdiff_t there = (given + part) / parts;
    laneTiles(there, &p, from, none, 0, to, taps * LANE_BLOCK);
    p.source += there * plane;
    to += there * taps * LANE_BLOCK;
  }
}

// The sums of row u of the taps of one channel over made rows `first ..< last`. `places` are those of each part of the row.
static void sumTapRow(const CKFilterShape *s, const REAL *plane, ptrdiff_t u, ptrdiff_t first, ptrdiff_t last,
    const LaneTap *places, const REAL *upstream, const REAL *none, REAL *sums) {
  const ptrdiff_t row = u * s->rowDilation - s->above, top = first;
  reached(row, s->rowStride, s->rows, &first, &last);
  LaneProduct p = {.source = plane + (row + first * s->rowStride) * s->columns, .channels = last - first,
      .channelStep = s->rowStride * s->columns, .taps = places, .tapCount = s->madeColumns,
      .pixelStep = s->columnDilation};
  const REAL *from = upstream + (first - top) * s->madeColumns * LANE_BLOCK;
  REAL *to = sums + u * s->tapColumns * LANE_BLOCK;
  const ptrdiff_t parts = (s->tapColumns + LANE_RESULTS - 1) / LANE_RESULTS;
  for (ptrdiff_t part = 0; part < parts; part++, p.taps += s->madeColumns) {
    const ptrdiff_t there = (s->tapColumns + part) / parts;
    laneTiles(there, &p, from, none, 0, to, LANE_BLOCK);
    to += there * LANE_BLOCK;
  }
}

static void addFilterGradient(const CKFilterShape *s, const REAL *image, const REAL *upstream, REAL *gradient,
    REAL *scratch, ptrdiff_t firstBlock, ptrdiff_t lastBlock) {
  const ptrdiff_t width = s->madeColumns, taps = s->tapRows * s->tapColumns, plane = s->rows * s->columns;
  const int isByTaps = s->tapColumns > s->channels;
  REAL *const none = scratch, *const packed = none + LANE_BLOCK, *const sums = packed + s->rowBlock * width * LANE_BLOCK;
  LaneTap *const places = (LaneTap *)(void *)(sums + s->channelBlock * taps * LANE_BLOCK);
  for (ptrdiff_t i = 0; i < LANE_BLOCK; i++) none[i] = 0;
  if (isByTaps) {
    const ptrdiff_t parts = (s->tapColumns + LANE_RESULTS - 1) / LANE_RESULTS;
    ptrdiff_t first = 0;
    for (ptrdiff_t part = 0; part < parts; part++) {
      const ptrdiff_t there = (s->tapColumns + part) / parts;
      for (ptrdiff_t b = 0; b < width; b++) {
        LaneTap *place = places + part * width + b;
        place->offset = b * s->columnStride + first * s->columnDilation - s->before;
        place->results = 0;
        for (ptrdiff_t i = 0; i < there; i++) {
          const ptrdiff_t column = place->offset + i * s->columnDilation;
          if (column >= 0 && column < s->columns) place->results |= (ptrdiff_t)1 << i;
        }
      }
      first += there;
    }
  } else {
    for (ptrdiff_t b = 0; b < width; b++) places[b] = (LaneTap){b * s->columnStride, -1};
  }
  for (ptrdiff_t block = firstBlock; block < lastBlock; block++) {
    const ptrdiff_t k = block * LANE_BLOCK, there = s->made - k < LANE_BLOCK ? s->made - k : LANE_BLOCK;
    for (ptrdiff_t a = 0; a < s->madeRows; a += s->rowBlock) {
      const ptrdiff_t last = s->madeRows - a < s->rowBlock ? s->madeRows : a + s->rowBlock;
      packUpstream(s, upstream, block, a * width, (last - a) * width, packed);
      for (ptrdiff_t c = 0; c < s->channels; c += s->channelBlock) {
        const ptrdiff_t given = s->channels - c < s->channelBlock ? s->channels - c : s->channelBlock;
        REAL *const target = gradient + (k * s->channels + c) * taps;
        for (ptrdiff_t u = 0; u < s->tapRows; u++) {
          // While a row of taps is summed, its share of what the sums are added to comes near.
          const ptrdiff_t share = given * s->tapColumns;
          for (ptrdiff_t i = 0; i < there; i++) prefetchLines(target + i * s->channels * taps + u * share, share);
          if (isByTaps) {
            for (ptrdiff_t i = 0; i < given; i++)
              sumTapRow(s, image + (c + i) * plane, u, a, last, places, packed, none, sums + i * taps * LANE_BLOCK);
          } else {
            for (ptrdiff_t v = 0; v < s->tapColumns; v++)
              sumTap(s, image + c * plane, given, u, v, a, last, places, packed, none, sums);
          }
        }
        transpose(1, sums, LANE_BLOCK, given * taps, there, target, s->channels * taps);
      }
    }
  }
}

const OF_TYPE(CKFilterGradient) NAMED(ck_filter_gradient) = {addFilterGradient};
