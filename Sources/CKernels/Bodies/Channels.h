// Correlations of many channels: see CKChannels.h.

#ifndef BLOCK_CHANNELS
// As many sums as leave registers for a row of pixels and a weight.
#if VECTOR_REGISTERS >= 32
#define BLOCK_CHANNELS 8
#define BLOCK_VECTORS 3
#else
#define BLOCK_CHANNELS 6
#define BLOCK_VECTORS 2
#endif
#define CKChannels_f32 CKChannelsF32
#define CKChannels_f64 CKChannelsF64
#define loadFirst OF_TYPE(loadFirst)
#define storeFirst OF_TYPE(storeFirst)
#define Product OF_TYPE(Product)
#define tile OF_TYPE(tile)
#define tiles OF_TYPE(tiles)
#define allTiles OF_TYPE(allTiles)
#define copyRun OF_TYPE(copyRun)
#define packColumn OF_TYPE(packColumn)
#define packRows OF_TYPE(packRows)
#define spreadRows OF_TYPE(spreadRows)
#define neededTaps OF_TYPE(neededTaps)
#define readPlanes OF_TYPE(readPlanes)
#endif

// What is multiplied: the taps from `taps` on of each of `channels`, `skipped` others of each left out.
typedef struct Product {
  const REAL *source;
  ptrdiff_t channels, channelStep;
  const ptrdiff_t *taps;
  ptrdiff_t tapCount, skipped;
  ptrdiff_t outputStep;
} Product;

// The first `count` lanes, fewer than all; the others are zero.
INLINE vector loadFirst(const REAL *from, ptrdiff_t count) {
  vector value = {};
  for (ptrdiff_t i = 0; i < LANES; i++)
    if (i < count) value[i] = from[i];
  return value;
}

INLINE void storeFirst(REAL *to, vector value, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < LANES; i++)
    if (i < count) to[i] = value[i];
}

// V vectors of sums of M channels, or `count` sums, at most a vector of them, where V is 1: `weights` has M numbers for each
// tap of each channel. They begin with `bias`, or go on from what stands at `output` where it is null.
INLINE void tile(const int M, const int V, const Product *p, const REAL *source, const REAL *weights, const REAL *bias,
    REAL *output, ptrdiff_t count) {
  vector sums[BLOCK_CHANNELS][BLOCK_VECTORS];
  if (bias) {
    UNROLLED for (int m = 0; m < M; m++) {
      // The sums are written once at the end: by then their lines should be there.
      UNROLLED for (int v = 0; v < V; v++) __builtin_prefetch(output + m * p->outputStep + v * LANES, 1);
      UNROLLED for (int v = 0; v < V; v++) sums[m][v] = broadcast(bias[m]);
    }
  } else {
    UNROLLED for (int m = 0; m < M; m++) {
      const REAL *from = output + m * p->outputStep;
      UNROLLED for (int v = 0; v < V; v++)
        sums[m][v] = V > 1 || count == LANES ? load(from + v * LANES) : loadFirst(from, count);
    }
  }
  for (ptrdiff_t c = 0; c < p->channels; c++) {
    for (ptrdiff_t t = 0; t < p->tapCount; t++) {
      const REAL *x = source + p->taps[t];
      vector pixels[BLOCK_VECTORS];
      UNROLLED for (int v = 0; v < V; v++) pixels[v] = load(x + v * LANES);
      UNROLLED for (int m = 0; m < M; m++) {
        const vector weight = broadcast(weights[m]);
        UNROLLED for (int v = 0; v < V; v++) sums[m][v] = multiplyAdd(weight, pixels[v], sums[m][v]);
      }
      weights += M;
    }
    weights += p->skipped * M;
    source += p->channelStep;
  }
  UNROLLED for (int m = 0; m < M; m++) {
    REAL *to = output + m * p->outputStep;
    UNROLLED for (int v = 0; v < V; v++) {
      if (V > 1 || count == LANES)
        store(to + v * LANES, sums[m][v]);
      else
        storeFirst(to, sums[m][v], count);
    }
  }
}

// `count` sums of M channels, at most BLOCK_VECTORS vectors of them.
#define RUN(M) \
  if (count == BLOCK_VECTORS * LANES) { \
    tile(M, BLOCK_VECTORS, p, p->source, weights, bias, output, count); \
  } else { \
    for (ptrdiff_t i = 0; i < count; i += LANES) \
      tile(M, 1, p, p->source + i, weights, bias, output + i, count - i < LANES ? count - i : LANES); \
  } \
  break;

static void tiles(int M, const Product *p, const REAL *weights, const REAL *bias, REAL *output, ptrdiff_t count) {
  switch (M) {
  case 1: RUN(1)
  case 2: RUN(2)
  case 3: RUN(3)
  case 4: RUN(4)
  case 5: RUN(5)
  case 6: RUN(6)
#if BLOCK_CHANNELS == 8
  case 7: RUN(7)
  case 8: RUN(8)
#endif
  default: __builtin_unreachable();
  }
}
#undef RUN

// The same of all made channels. `weights` are those of the channels from number `c` on.
INLINE void allTiles(const CKCorrelation *s, const Product *p, ptrdiff_t c, ptrdiff_t firstTap, const REAL *weights,
    const REAL *bias, REAL *output, ptrdiff_t count) {
  const ptrdiff_t blocks = (s->made + BLOCK_CHANNELS - 1) / BLOCK_CHANNELS;
  const ptrdiff_t taps = s->tapRowCount * s->tapColumnCount;
  ptrdiff_t first = 0;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t width = (s->made + block) / blocks;
    tiles((int)width, p, weights + (first * s->channels + c * width) * taps + firstTap * width,
        c == 0 ? bias + first : NULL, output + first * p->outputStep, count);
    first += width;
  }
}

// Copies `count` numbers from every `stride`-th place; neither side is touched outside of them.
INLINE void copyRun(REAL *to, const REAL *from, ptrdiff_t count, ptrdiff_t stride) {
  ptrdiff_t i = 0;
  if (stride == 1) {
    for (; i + LANES <= count; i += LANES) store(to + i, load(from + i));
    if (i == count) return;
    if (count >= LANES) {
      store(to + count - LANES, load(from + count - LANES));
      return;
    }
    // Two pieces that may overlap.
    if (count >= 8) {
      __builtin_memcpy(to, from, 8 * sizeof(REAL));
      __builtin_memcpy(to + count - 8, from + count - 8, 8 * sizeof(REAL));
      return;
    }
    if (count >= 4) {
      __builtin_memcpy(to, from, 4 * sizeof(REAL));
      __builtin_memcpy(to + count - 4, from + count - 4, 4 * sizeof(REAL));
      return;
    }
  }
  for (; i < count; i++) to[i] = from[i * stride];
}

// One column of taps under `count` rows of one segment, the first of them the given row `top`.
INLINE void packColumn(const CKCorrelation *s, const CKColumn *column, const REAL *plane, ptrdiff_t top, ptrdiff_t count,
    ptrdiff_t stride, REAL *to) {
  const ptrdiff_t width = s->madeColumns, lower = column->lower, upper = column->upper;
  for (ptrdiff_t r = 0; r < count; r++, to += width) {
    const ptrdiff_t row = top + r * s->rowStride;
    if (row < 0 || row >= s->rows || lower == upper) {
      for (ptrdiff_t b = 0; b < width; b++) to[b] = 0;
      continue;
    }
    for (ptrdiff_t b = 0; b < lower; b++) to[b] = 0;
    copyRun(to + lower, plane + row * s->columns + column->first + lower * stride, upper - lower, stride);
    for (ptrdiff_t b = upper; b < width; b++) to[b] = 0;
  }
}

// Packs what `madeRows` made rows from `firstRow` on need of `channels` planes.
static void packRows(const CKCorrelation *s, const REAL *image, ptrdiff_t channels, ptrdiff_t firstRow, ptrdiff_t madeRows,
    REAL *packed) {
  const ptrdiff_t columnStep = s->packedChannel / s->tapColumnCount;
  for (ptrdiff_t c = 0; c < channels; c++) {
    const REAL *plane = image + c * s->rows * s->columns;
    for (ptrdiff_t v = 0; v < s->tapColumnCount; v++) {
      const CKColumn *column = s->tapColumns + v;
      REAL *to = packed + c * s->packedChannel + v * columnStep;
      for (ptrdiff_t i = 0; i < s->segmentCount; i++) {
        const CKSegment *segment = s->segments + i;
        const ptrdiff_t top = segment->first + firstRow * s->rowStride, count = madeRows + segment->extra;
        // The strides of nearly all problems are known to the compiler.
        if (s->columnStride == 1)
          packColumn(s, column, plane, top, count, 1, to);
        else if (s->columnStride == 2)
          packColumn(s, column, plane, top, count, 2, to);
        else
          packColumn(s, column, plane, top, count, s->columnStride, to);
        to += (s->rowBlock + segment->extra) * s->madeColumns;
      }
    }
  }
}

// Brings `rows` rows of results of all made channels, one after the other at `results`, to where they stand.
static void spreadRows(const CKCorrelation *s, const REAL *results, ptrdiff_t firstRow, ptrdiff_t rows, REAL *output) {
  for (ptrdiff_t k = 0; k < s->made; k++) {
    const REAL *from = results + k * s->rowBlock * s->madeColumns;
    for (ptrdiff_t a = firstRow; a < firstRow + rows; a++, from += s->madeColumns) {
      REAL *to = output + k * s->outputPlane + a * s->outputRowStep;
      for (ptrdiff_t b = 0; b < s->madeColumns; b++) to[b * s->outputColumnStep] = from[b];
    }
  }
}

// Rows `firstRow ..< lastRow` where the given planes are read as they stand; the rest of a vector at their end is packed, so
// that nothing behind it is read.
static void readPlanes(const CKCorrelation *s, const REAL *image, const REAL *weights, const REAL *bias, REAL *output,
    REAL *scratch, ptrdiff_t firstRow, ptrdiff_t lastRow) {
  const ptrdiff_t plane = s->rows * s->columns, first = firstRow * s->madeColumns, last = lastRow * s->madeColumns;
  const ptrdiff_t whole = (last - first) / LANES * LANES;
  Product p = {.channels = s->channels, .channelStep = plane, .taps = s->taps, .tapCount = 1, .outputStep = s->outputPlane};
  for (ptrdiff_t i = 0; i < whole; i += BLOCK_VECTORS * LANES) {
    const ptrdiff_t count = whole - i < BLOCK_VECTORS * LANES ? whole - i : BLOCK_VECTORS * LANES;
    p.source = image + first + i;
    allTiles(s, &p, 0, 0, weights, bias, output + first + i, count);
  }
  const ptrdiff_t rest = last - first - whole;
  if (rest == 0) return;
  for (ptrdiff_t c = 0; c < s->channels; c++) copyRun(scratch + c * LANES, image + c * plane + first + whole, rest, 1);
  p.source = scratch;
  p.channelStep = LANES;
  allTiles(s, &p, 0, 0, weights, bias, output + first + whole, rest);
}

// The rows of taps that some of the made rows `first ... last` need: the others stand on padding in all of them.
INLINE void neededTaps(const CKCorrelation *s, ptrdiff_t first, ptrdiff_t last, ptrdiff_t *lower, ptrdiff_t *upper) {
  *lower = 0;
  *upper = s->tapRowCount;
  if (!s->rowOffsets) return;
  while (*lower < *upper && s->rowOffsets[*lower] + last * s->rowStride < 0) ++*lower;
  while (*upper > *lower && s->rowOffsets[*upper - 1] + first * s->rowStride >= s->rows) --*upper;
}

static void NAMED(ck_correlate)(const CKCorrelation *s, const REAL *image, const REAL *weights, const REAL *bias,
    REAL *output, REAL *scratch, ptrdiff_t firstRow, ptrdiff_t lastRow) {
  if (s->packedChannel == 0) {
    readPlanes(s, image, weights, bias, output, scratch, firstRow, lastRow);
    return;
  }
  const ptrdiff_t width = s->madeColumns;
  const int isDense = s->outputColumnStep == 1 && s->outputRowStep == width;
  REAL *const results = scratch + s->channelBlock * s->packedChannel + CK_READ_AHEAD;
  for (ptrdiff_t a = firstRow; a < lastRow; a += s->rowBlock) {
    const ptrdiff_t rows = lastRow - a < s->rowBlock ? lastRow - a : s->rowBlock, count = rows * width;
    REAL *const to = isDense ? output + a * width : results;
    for (ptrdiff_t c = 0; c < s->channels; c += s->channelBlock) {
      const ptrdiff_t channels = s->channels - c < s->channelBlock ? s->channels - c : s->channelBlock;
      packRows(s, image + c * s->rows * s->columns, channels, a, rows, scratch);
      for (ptrdiff_t i = 0; i < count; i += BLOCK_VECTORS * LANES) {
        const ptrdiff_t sums = count - i < BLOCK_VECTORS * LANES ? count - i : BLOCK_VECTORS * LANES;
        ptrdiff_t lower, upper;
        neededTaps(s, a + i / width, a + (i + sums - 1) / width, &lower, &upper);
        const ptrdiff_t firstTap = lower * s->tapColumnCount, taps = (upper - lower) * s->tapColumnCount;
        Product p = {.source = scratch + i, .channels = channels, .channelStep = s->packedChannel,
            .taps = s->taps + firstTap, .tapCount = taps, .skipped = s->tapRowCount * s->tapColumnCount - taps,
            .outputStep = isDense ? s->outputPlane : s->rowBlock * width};
        allTiles(s, &p, c, firstTap, weights, bias, to + i, sums);
      }
    }
    if (!isDense) spreadRows(s, results, a, rows, output);
  }
}

const OF_TYPE(CKChannels) NAMED(ck_channels) = {BLOCK_CHANNELS, NAMED(ck_correlate)};
