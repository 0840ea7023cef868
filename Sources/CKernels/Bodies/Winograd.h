// Winograd's convolutions: see CKWinograd.h. Each is inlined once for each kind of tile, so that the loops over a tile
// unroll and the zeros of its matrices cost nothing.

#ifndef WINOGRAD
#define WINOGRAD
#define CKWinograd_f32 CKWinogradF32
#define CKWinograd_f64 CKWinogradF64
#define winograd OF_TYPE(winograd)
#define applyWinograd OF_TYPE(applyWinograd)
#define combineRows OF_TYPE(combineRows)
#define readTiles OF_TYPE(readTiles)
#define transformTiles OF_TYPE(transformTiles)
#define transformBack OF_TYPE(transformBack)
#define writeTiles OF_TYPE(writeTiles)
#define zeros OF_TYPE(zeros)
#define multiplyTiles OF_TYPE(multiplyTiles)
#define multiplyChannels OF_TYPE(multiplyChannels)

// Bᵀ of tiles of four, six and eight pixels, and Aᵀ of each kind of tile, all exact in binary: `WinogradMatrices` of the
// Swift side derives them.
static const float data4[4][4] = {{-1, 0, 1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
static const float data6[6][6] = {{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0},
    {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
static const float data8[8][8] = {{-1, 0, 5.25f, 0, -5.25f, 0, 1, 0}, {0, 1, 1, -4.25f, -4.25f, 1, 1, 0},
    {0, -1, 1, 4.25f, -4.25f, -1, 1, 0}, {0, 0.5f, 0.25f, -2.5f, -1.25f, 2, 1, 0},
    {0, -0.5f, 0.25f, 2.5f, -1.25f, -2, 1, 0}, {0, 2, 4, -2.5f, -5, 0.5f, 1, 0}, {0, -2, 4, 2.5f, -5, -0.5f, 1, 0},
    {0, -1, 0, 5.25f, 0, -5.25f, 0, 1}};
static const float output2x3[2][4] = {{1, 1, 1, 0}, {0, 1, -1, 1}};
static const float output4x3[4][6] = {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};
static const float output6x3[6][8] = {{1, 1, 1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0.5f, -0.5f, 0},
    {0, 1, 1, 4, 4, 0.25f, 0.25f, 0}, {0, 1, -1, 8, -8, 0.125f, -0.125f, 0}, {0, 1, 1, 16, 16, 0.0625f, 0.0625f, 0},
    {0, 1, -1, 32, -32, 0.03125f, -0.03125f, 1}};
static const float output2x5[2][6] = {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 1}};

INLINE float dataEntry(int pixels, int i, int s) {
  return pixels == 4 ? data4[i][s] : pixels == 6 ? data6[i][s] : data8[i][s];
}

INLINE float outputEntry(int outputs, int taps, int i, int s) {
  if (taps == 5) return output2x5[i][s];
  return outputs == 2 ? output2x3[i][s] : outputs == 4 ? output4x3[i][s] : output6x3[i][s];
}
#endif

static const REAL zeros[LANE_BLOCK] __attribute__((aligned(64)));

// One place of `count` tiles, from the transformed pixels at `data` to the sums of all made channels, by vectors of tiles.
INLINE void multiplyTiles(const CKWinogradShape *s, const REAL *data, const REAL *weights, ptrdiff_t count,
    ptrdiff_t block, REAL *sums) {
  const ptrdiff_t blocks = (s->made + BLOCK_CHANNELS - 1) / BLOCK_CHANNELS, noShift = 0;
  const ptrdiff_t whole = (count + LANES - 1) / LANES * LANES;
  for (ptrdiff_t number = 0; number < blocks; number++) {
    const ptrdiff_t width = (s->made + number) / blocks;
    for (ptrdiff_t t = 0; t < whole; t += BLOCK_VECTORS * LANES) {
      const Product p = {.source = data + t, .channels = s->given, .channelStep = block, .taps = &noShift, .tapCount = 1,
          .outputStep = block};
      tiles((int)width, &p, weights, zeros, sums + t,
          whole - t < BLOCK_VECTORS * LANES ? whole - t : BLOCK_VECTORS * LANES);
    }
    weights += width * s->given;
    sums += width * block;
  }
}

// The same by vectors of made channels, which few tiles would not fill; `room` has room for the sums of a block of channels.
INLINE void multiplyChannels(const CKWinogradShape *s, const REAL *data, const REAL *weights, ptrdiff_t count,
    ptrdiff_t block, REAL *sums, REAL *room) {
  const LaneTap noShift = {0, -1};
  const ptrdiff_t parts = (count + LANE_RESULTS - 1) / LANE_RESULTS;
  for (ptrdiff_t k = 0; k < s->made; k += LANE_BLOCK, weights += LANE_BLOCK * s->given) {
    LaneProduct p = {.source = data, .channels = s->given, .channelStep = block, .taps = &noShift, .tapCount = 1,
        .pixelStep = 1};
    REAL *to = room;
    for (ptrdiff_t part = 0; part < parts; part++) {
      const ptrdiff_t results = (count + part) / parts;
      laneTiles(results, &p, weights, zeros, 0, to, LANE_BLOCK);
      p.source += results;
      to += results * LANE_BLOCK;
    }
    transpose(0, room, LANE_BLOCK, count, LANE_BLOCK, sums + k * block, block);
  }
}

// Row by row what Bᵀ makes of `pixels` rows of `width` numbers, rounded up to whole vectors, which stand `step` apart.
INLINE void combineRows(const int pixels, const REAL *rows, ptrdiff_t step, ptrdiff_t width, REAL *combined) {
  for (ptrdiff_t x = 0; x < width; x += LANES) {
    vector row[8];
    UNROLLED for (int s = 0; s < pixels; s++) row[s] = load(rows + s * step + x);
    UNROLLED for (int i = 0; i < pixels; i++) {
      vector sum = {};
      UNROLLED for (int s = 0; s < pixels; s++)
        if (dataEntry(pixels, i, s) != 0) sum = multiplyAdd(broadcast(dataEntry(pixels, i, s)), row[s], sum);
      store(combined + i * step + x, sum);
    }
  }
}

// The combined rows of `count` tiles of one channel from number `first` on, each pixel of the tiles side by side, `block`
// numbers for each.
INLINE void readTiles(const int outputs, const int taps, const CKWinogradShape *s, const REAL *plane, ptrdiff_t first,
    ptrdiff_t count, ptrdiff_t block, REAL *strips, REAL *places) {
  const int pixels = outputs + taps - 1;
  const ptrdiff_t across = (s->madeColumns + outputs - 1) / outputs;
  const ptrdiff_t step = block * outputs + taps + CK_VECTOR_LIMIT;
  REAL *const combined = strips + pixels * step;
  for (ptrdiff_t at = 0; at < count;) {
    const ptrdiff_t row = (first + at) / across, column = (first + at) % across;
    const ptrdiff_t run = across - column < count - at ? across - column : count - at;
    const ptrdiff_t width = run * outputs + taps - 1, start = column * outputs - s->before;
    ptrdiff_t lower = start < 0 ? -start : 0, upper = s->columns - start < width ? s->columns - start : width;
    if (lower >= upper) lower = upper = 0;
    for (int i = 0; i < pixels; i++) {
      const ptrdiff_t y = row * outputs + i - s->above;
      REAL *strip = strips + i * step;
      const int isInside = y >= 0 && y < s->rows;
      for (ptrdiff_t x = 0; x < (isInside ? lower : width); x++) strip[x] = 0;
      if (!isInside) continue;
      copyRun(strip + lower, plane + y * s->columns + start + lower, upper - lower, 1);
      for (ptrdiff_t x = upper; x < width; x++) strip[x] = 0;
    }
    combineRows(pixels, strips, step, width, combined);
    for (int i = 0; i < pixels; i++) {
      const REAL *from = combined + i * step;
      REAL *to = places + i * pixels * block + at;
      for (ptrdiff_t t = 0; t < run; t++) {
        UNROLLED for (int p = 0; p < pixels; p++) to[p * block + t] = from[t * outputs + p];
      }
    }
    at += run;
  }
}

// The other sums of Bᵀ, along the columns: each entry of the transformed tiles `step` numbers behind the one before.
INLINE void transformTiles(const int pixels, const REAL *places, ptrdiff_t count, ptrdiff_t block, REAL *to,
    ptrdiff_t step) {
  for (int i = 0; i < pixels; i++) {
    for (ptrdiff_t t = 0; t < count; t += LANES) {
      vector place[8];
      UNROLLED for (int p = 0; p < pixels; p++) place[p] = load(places + (i * pixels + p) * block + t);
      UNROLLED for (int j = 0; j < pixels; j++) {
        vector sum = {};
        UNROLLED for (int p = 0; p < pixels; p++)
          if (dataEntry(pixels, j, p) != 0) sum = multiplyAdd(broadcast(dataEntry(pixels, j, p)), place[p], sum);
        store(to + (i * pixels + j) * step + t, sum);
      }
    }
  }
}

// `Aᵀ M A + bias` of `count` tiles of one channel, each of their results side by side.
INLINE void transformBack(const int outputs, const int taps, const REAL *sums, ptrdiff_t step, ptrdiff_t count,
    ptrdiff_t block, REAL bias, REAL *results) {
  const int pixels = outputs + taps - 1;
  for (ptrdiff_t t = 0; t < count; t += LANES) {
    vector half[6][8];
    UNROLLED for (int j = 0; j < pixels; j++) {
      vector entry[8];
      UNROLLED for (int p = 0; p < pixels; p++) entry[p] = load(sums + (p * pixels + j) * step + t);
      UNROLLED for (int i = 0; i < outputs; i++) {
        vector sum = {};
        UNROLLED for (int p = 0; p < pixels; p++)
          if (outputEntry(outputs, taps, i, p) != 0)
            sum = multiplyAdd(broadcast(outputEntry(outputs, taps, i, p)), entry[p], sum);
        half[i][j] = sum;
      }
    }
    UNROLLED for (int i = 0; i < outputs; i++) {
      UNROLLED for (int j = 0; j < outputs; j++) {
        vector sum = {};
        UNROLLED for (int p = 0; p < pixels; p++)
          if (outputEntry(outputs, taps, j, p) != 0)
            sum = multiplyAdd(broadcast(outputEntry(outputs, taps, j, p)), half[i][p], sum);
        store(results + (i * outputs + j) * block + t, sum + bias);
      }
    }
  }
}

// Brings the results of `count` tiles from number `first` on to their places in a plane.
INLINE void writeTiles(const int outputs, const CKWinogradShape *s, const REAL *results, ptrdiff_t first, ptrdiff_t count,
    ptrdiff_t block, REAL *plane) {
  const ptrdiff_t across = (s->madeColumns + outputs - 1) / outputs;
  for (ptrdiff_t at = 0; at < count;) {
    const ptrdiff_t row = (first + at) / across, column = (first + at) % across;
    const ptrdiff_t run = across - column < count - at ? across - column : count - at;
    const ptrdiff_t left = s->madeColumns - column * outputs;
    const ptrdiff_t whole = left / outputs < run ? left / outputs : run;
    for (int i = 0; i < outputs && row * outputs + i < s->madeRows; i++) {
      REAL *to = plane + (row * outputs + i) * s->madeColumns + column * outputs;
      const REAL *from = results + i * outputs * block + at;
      for (ptrdiff_t t = 0; t < whole; t++) {
        UNROLLED for (int j = 0; j < outputs; j++) to[t * outputs + j] = from[j * block + t];
      }
      if (whole < run)
        for (ptrdiff_t j = 0; whole * outputs + j < left; j++) to[whole * outputs + j] = from[j * block + whole];
    }
    at += run;
  }
}

INLINE void winograd(const int outputs, const int taps, const CKWinogradShape *s, const REAL *image, const REAL *filters,
    const REAL *bias, REAL *output, REAL *scratch, ptrdiff_t firstTile, ptrdiff_t lastTile) {
  const int pixels = outputs + taps - 1, places = pixels * pixels;
  const ptrdiff_t block = (s->block + CK_VECTOR_LIMIT - 1) / CK_VECTOR_LIMIT * CK_VECTOR_LIMIT;
  // From one place of a tile to the next; a line more, so that the places of one tile don't all fall into the same sets of a
  // cache.
  const ptrdiff_t dataStep = s->given * block + CK_VECTOR_LIMIT, sumStep = s->made * block + CK_VECTOR_LIMIT;
  REAL *const data = scratch, *const sums = data + places * dataStep;
  REAL *const rest = sums + places * sumStep, *const strips = rest + 2 * places * block;
  for (ptrdiff_t first = firstTile; first < lastTile; first += s->block) {
    const ptrdiff_t count = lastTile - first < s->block ? lastTile - first : s->block;
    for (ptrdiff_t c = 0; c < s->given; c++) {
      readTiles(outputs, taps, s, image + c * s->rows * s->columns, first, count, block, strips, rest);
      transformTiles(pixels, rest, count, block, data + c * block, dataStep);
    }
    for (int place = 0; place < places; place++) {
      const REAL *weights = filters + place * s->made * s->given;
      if (s->isAlongChannels)
        multiplyChannels(s, data + place * dataStep, weights, count, block, sums + place * sumStep, rest);
      else
        multiplyTiles(s, data + place * dataStep, weights, count, block, sums + place * sumStep);
    }
    for (ptrdiff_t k = 0; k < s->made; k++) {
      transformBack(outputs, taps, sums + k * block, sumStep, count, block, bias[k], rest);
      writeTiles(outputs, s, rest, first, count, block, output + k * s->madeRows * s->madeColumns);
    }
  }
}

static void applyWinograd(const CKWinogradShape *s, const REAL *image, const REAL *filters, const REAL *bias, REAL *output,
    REAL *scratch, ptrdiff_t firstTile, ptrdiff_t lastTile) {
  if (s->taps == 5)
    winograd(2, 5, s, image, filters, bias, output, scratch, firstTile, lastTile);
  else if (s->outputs == 2)
    winograd(2, 3, s, image, filters, bias, output, scratch, firstTile, lastTile);
  else if (s->outputs == 4)
    winograd(4, 3, s, image, filters, bias, output, scratch, firstTile, lastTile);
  else
    winograd(6, 3, s, image, filters, bias, output, scratch, firstTile, lastTile);
}

const OF_TYPE(CKWinograd) NAMED(ck_winograd) = {applyWinograd};
