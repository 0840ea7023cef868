// Correlations by vectors of made channels: see CKLanes.h.

#ifndef LANE_RESULTS
// Results of two vectors of channels each: as many sums as leave registers for two weights and a pixel.
#if VECTOR_REGISTERS >= 32
#define LANE_RESULTS 14
#else
#define LANE_RESULTS 6
#endif
#define LANE_BLOCK (2 * LANES)
#define CKLanes_f32 CKLanesF32
#define CKLanes_f64 CKLanesF64
#define LaneProduct OF_TYPE(LaneProduct)
#define laneTile OF_TYPE(laneTile)
#define laneTiles OF_TYPE(laneTiles)
#define neededRows OF_TYPE(neededRows)
#define placeTaps OF_TYPE(placeTaps)
#define packLanes OF_TYPE(packLanes)
#define packLaneSquare OF_TYPE(packLaneSquare)
#define writeLanes OF_TYPE(writeLanes)
#define prefetchLines OF_TYPE(prefetchLines)
#define prefetchWeights OF_TYPE(prefetchWeights)

// What one weight is multiplied with: the pixel for result i, where bit i of `results` is set, at `offset + i · pixelStep`.
typedef struct LaneTap {
  ptrdiff_t offset, results;
} LaneTap;
#endif

// The products of one tile: for each of `channels` those of `taps`; behind the weights of a channel stand `skipped` numbers that
// are not multiplied.
typedef struct LaneProduct {
  const REAL *source;
  ptrdiff_t channels, channelStep;
  const LaneTap *taps;
  ptrdiff_t tapCount, skipped;
  ptrdiff_t pixelStep;
} LaneProduct;

// Sums of `P` results, each of two vectors of channels: `weights` has two vectors for each tap. The sums go on from those
// at `from`, `fromStep` apart, and go to `to`, `step` apart.
INLINE void laneTile(const int P, const ptrdiff_t pixelStep, const LaneProduct *p, const REAL *weights, const REAL *from,
    ptrdiff_t fromStep, REAL *to, ptrdiff_t step) {
  const ptrdiff_t all = ((ptrdiff_t)1 << P) - 1;
  vector sums[LANE_RESULTS][2];
  UNROLLED for (int i = 0; i < P; i++) {
    sums[i][0] = load(from + i * fromStep);
    sums[i][1] = load(from + i * fromStep + LANES);
  }
  const REAL *source = p->source;
  for (ptrdiff_t c = 0; c < p->channels; c++, source += p->channelStep) {
    for (const LaneTap *tap = p->taps; tap < p->taps + p->tapCount; tap++, weights += LANE_BLOCK) {
      const REAL *x = source + tap->offset;
      const ptrdiff_t results = tap->results;
      const vector first = load(weights), second = load(weights + LANES);
      // Nearly always all of them, without a question for each.
      if ((results & all) == all) {
        UNROLLED for (int i = 0; i < P; i++) {
          const vector pixel = broadcast(x[i * pixelStep]);
          sums[i][0] = multiplyAdd(first, pixel, sums[i][0]);
          sums[i][1] = multiplyAdd(second, pixel, sums[i][1]);
        }
      } else {
        UNROLLED for (int i = 0; i < P; i++) {
          if ((results >> i & 1) == 0) continue;
          const vector pixel = broadcast(x[i * pixelStep]);
          sums[i][0] = multiplyAdd(first, pixel, sums[i][0]);
          sums[i][1] = multiplyAdd(second, pixel, sums[i][1]);
        }
      }
    }
    weights += p->skipped;
  }
  UNROLLED for (int i = 0; i < P; i++) {
    store(to + i * step, sums[i][0]);
    store(to + i * step + LANES, sums[i][1]);
  }
}

// The steps of nearly all problems are known to the compiler.
#define CASE(P) \
  case P: \
    if (p->pixelStep == 1) \
      laneTile(P, 1, p, weights, from, fromStep, to, step); \
    else if (p->pixelStep == 2) \
      laneTile(P, 2, p, weights, from, fromStep, to, step); \
    else \
      laneTile(P, p->pixelStep, p, weights, from, fromStep, to, step); \
    break;

static void laneTiles(ptrdiff_t results, const LaneProduct *p, const REAL *weights, const REAL *from, ptrdiff_t fromStep,
    REAL *to, ptrdiff_t step) {
  switch (results) {
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if LANE_RESULTS == 14
    CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
#endif
  default: __builtin_unreachable();
  }
}
#undef CASE

// The lines of `count` numbers, before they are read.
INLINE void prefetchLines(const REAL *from, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i += 64 / (ptrdiff_t)sizeof(REAL)) __builtin_prefetch(from + i, 0, 2);
}

// Brings the taps of a square of made channels from number `first` on to their places.
INLINE void packLaneSquare(const CKLaneFilter *f, const REAL *from, ptrdiff_t first, REAL *to) {
  side square[SIDE];
  turnSquare(from + first, f->madeStep, square);
  UNROLLED for (int t = 0; t < SIDE; t++)
    if (first + t < f->taps && f->places[first + t] >= 0)
      __builtin_memcpy(to + f->places[first + t] * LANE_BLOCK, square + t, sizeof(side));
}

static void packLanes(const CKLaneFilter *f, const REAL *weights, ptrdiff_t block, ptrdiff_t first, ptrdiff_t count,
    REAL *to) {
  for (ptrdiff_t c = 0; c < count; c++, to += f->tapCount * LANE_BLOCK) {
    const REAL *from = weights + block * LANE_BLOCK * f->madeStep + (first + c) * f->givenStep;
    for (ptrdiff_t m = 0; m < LANE_BLOCK; m += SIDE, from += SIDE * f->madeStep) {
      const ptrdiff_t there = f->made - block * LANE_BLOCK - m;
      ptrdiff_t t = 0;
      // A square is read as whole vectors, which must not reach behind the filter; a column alone is not worth one.
      if (there >= SIDE)
        for (; t + 1 < f->taps && from - weights + (SIDE - 1) * f->madeStep + t + SIDE <= f->count; t += SIDE)
          packLaneSquare(f, from, t, to + m);
      for (; t < f->taps; t++) {
        if (f->places[t] < 0) continue;
        REAL *target = to + f->places[t] * LANE_BLOCK + m;
        for (ptrdiff_t i = 0; i < SIDE; i++) target[i] = i < there ? from[i * f->madeStep + t] : 0;
      }
    }
  }
}

// Asks for the weights of a block of made channels from given channel `c`, or behind the last one for those of the next block.
INLINE void prefetchWeights(const CKLanes *s, const CKLaneFilter *f, const REAL *weights, ptrdiff_t block, ptrdiff_t c) {
  const ptrdiff_t taps = s->tapRowCount * s->tapColumnCount;
  if (!f) {
    prefetchLines(weights + (block * s->channels + c) * taps * LANE_BLOCK, taps * LANE_BLOCK);
  } else if (f->madeStep == f->taps) {
    if (c >= s->channels) block++, c -= s->channels;
    prefetchLines(weights + block * LANE_BLOCK * f->madeStep + c * f->givenStep, LANE_BLOCK * f->taps);
  }
}

// The rows of taps that made row `a` stands on: the others stand on padding.
INLINE void neededRows(const CKLanes *s, ptrdiff_t a, ptrdiff_t *lower, ptrdiff_t *upper) {
  *lower = 0;
  *upper = s->tapRowCount;
  while (*lower < *upper && s->rowOffsets[*lower] + a * s->rowStride < 0) ++*lower;
  while (*upper > *lower && s->rowOffsets[*upper - 1] + a * s->rowStride >= s->rows) --*upper;
}

// For each part of a row the taps, from the given row under the first row of taps, and which of the part's results stand on pixels
// in each one's column.
static void placeTaps(const CKLanes *s, ptrdiff_t parts, LaneTap *taps) {
  ptrdiff_t first = 0;
  for (ptrdiff_t part = 0; part < parts; part++) {
    const ptrdiff_t results = (s->madeColumns + part) / parts;
    for (ptrdiff_t u = 0; u < s->tapRowCount; u++) {
      for (ptrdiff_t v = 0; v < s->tapColumnCount; v++, taps++) {
        const CKColumn *column = s->tapColumns + v;
        taps->offset = (s->rowOffsets[u] - s->rowOffsets[0]) * s->columns + column->first + first * s->columnStride;
        taps->results = 0;
        for (ptrdiff_t i = 0; i < results; i++)
          if (first + i >= column->lower && first + i < column->upper) taps->results |= (ptrdiff_t)1 << i;
      }
    }
    first += results;
  }
}

// Brings `rows` rows of results of one block of channels to where they stand, from `first` on.
static void writeLanes(const CKLanes *s, const REAL *sums, ptrdiff_t rows, ptrdiff_t channels, REAL *first) {
  const ptrdiff_t width = s->madeColumns;
  if (s->outputColumnStep == 1 && s->outputRowStep == width) {
    transpose(0, sums, LANE_BLOCK, rows * width, channels, first, s->outputPlane);
    return;
  }
  for (ptrdiff_t k = 0; k < channels; k++) {
    const REAL *from = sums + k;
    for (ptrdiff_t a = 0; a < rows; a++) {
      REAL *to = first + k * s->outputPlane + a * s->outputRowStep;
      for (ptrdiff_t b = 0; b < width; b++, from += LANE_BLOCK) to[b * s->outputColumnStep] = *from;
    }
  }
}

static void NAMED(ck_correlate_lanes)(const CKLanes *s, const REAL *image, const REAL *weights,
    const CKLaneFilter *filter, const REAL *bias, REAL *output, REAL *scratch, ptrdiff_t firstRow, ptrdiff_t lastRow,
    ptrdiff_t firstBlock, ptrdiff_t lastBlock) {
  const ptrdiff_t plane = s->rows * s->columns, width = s->madeColumns, taps = s->tapRowCount * s->tapColumnCount;
  const ptrdiff_t parts = (width + LANE_RESULTS - 1) / LANE_RESULTS;
  REAL *const biases = scratch, *const sums = biases + LANE_BLOCK, *const panel = sums + s->rowBlock * width * LANE_BLOCK;
  LaneTap *const places = (LaneTap *)(void *)(panel + (filter ? s->channelBlock * taps * LANE_BLOCK : 0));
  placeTaps(s, parts, places);
  for (ptrdiff_t row = firstRow; row < lastRow; row += s->rowBlock) {
    const ptrdiff_t rows = lastRow - row < s->rowBlock ? lastRow - row : s->rowBlock;
    for (ptrdiff_t block = firstBlock; block < lastBlock; block++) {
      const ptrdiff_t k = block * LANE_BLOCK, channels = s->made - k < LANE_BLOCK ? s->made - k : LANE_BLOCK;
      for (ptrdiff_t i = 0; i < LANE_BLOCK; i++) biases[i] = i < channels ? bias[k + i] : 0;
      for (ptrdiff_t c = 0; c < s->channels; c += s->channelBlock) {
        const ptrdiff_t given = s->channels - c < s->channelBlock ? s->channels - c : s->channelBlock;
        const REAL *near = weights + (block * s->channels + c) * taps * LANE_BLOCK;
        if (filter) {
          packLanes(filter, weights, block, c, given, panel);
          near = panel;
        }
        // The weights of how many given channels are read ahead while a tile is summed.
        const ptrdiff_t share = s->isAhead ? given / (rows * parts) + 1 : 0;
        ptrdiff_t ahead = c + given;
        REAL *to = sums;
        for (ptrdiff_t a = row; a < row + rows; a++) {
          ptrdiff_t lower, upper;
          neededRows(s, a, &lower, &upper);
          const ptrdiff_t top = s->rowOffsets[0] + a * s->rowStride, firstTap = lower * s->tapColumnCount;
          LaneProduct p = {.source = image + c * plane + top * s->columns, .channels = given, .channelStep = plane,
              .taps = places + firstTap, .tapCount = upper * s->tapColumnCount - firstTap, .pixelStep = s->columnStride};
          p.skipped = (taps - p.tapCount) * LANE_BLOCK;
          REAL *target = output + k * s->outputPlane + a * s->outputRowStep;
          for (ptrdiff_t part = 0; part < parts; part++, p.taps += taps) {
            const ptrdiff_t results = (width + part) / parts;
            for (ptrdiff_t i = 0; i < share; i++, ahead++) prefetchWeights(s, filter, weights, block, ahead);
            // The results are written once, from a row of them: by then their lines should be there.
            if (c == 0)
              for (ptrdiff_t i = 0; i < channels; i++) __builtin_prefetch(target + i * s->outputPlane, 1);
            laneTiles(results, &p, near + firstTap * LANE_BLOCK, c == 0 ? biases : to, c == 0 ? 0 : LANE_BLOCK, to,
                LANE_BLOCK);
            to += results * LANE_BLOCK;
            target += results * s->outputColumnStep;
          }
        }
      }
      writeLanes(s, sums, rows, channels, output + k * s->outputPlane + row * s->outputRowStep);
    }
  }
}

const OF_TYPE(CKLanes) NAMED(ck_lanes) = {LANE_BLOCK, LANE_RESULTS, packLanes, NAMED(ck_correlate_lanes)};
