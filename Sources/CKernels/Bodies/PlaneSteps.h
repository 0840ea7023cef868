// The direct form of one plane whose outputs or taps do not stand on pixels side by side: the image is copied into a tile,
// with its padding and column by column of a step, so that outputs side by side meet pixels side by side there. Included
// behind Plane.h.

#ifndef everySecond
#define everySecond OF_TYPE(everySecond)
#define gatherPhases OF_TYPE(gatherPhases)
#define steppedBlock OF_TYPE(steppedBlock)
#define steppedBlocks OF_TYPE(steppedBlocks)
#define steppedRows OF_TYPE(steppedRows)
#endif

// The numbers `which`, `which + 2`, … of two vectors, one behind the other.
INLINE vector everySecond(vector first, vector second, const int which) {
  vector chosen;
  UNROLLED for (int lane = 0; lane < LANES; lane++)
    chosen[lane] = 2 * lane < LANES ? first[2 * lane + which] : second[2 * lane + which - LANES];
  return chosen;
}

// Copies `rows` rows of an image from `top` on, each to `phases` segments of `count` numbers, one behind the other: in the
// segment `q` the columns `left + q`, `left + q + step`, …, with zeros where there is no image.
static __attribute__((noinline)) void gatherPhases(const CKPlane *plane, const REAL *image, ptrdiff_t top, ptrdiff_t left,
    ptrdiff_t rows, ptrdiff_t phases, ptrdiff_t count, REAL *tile) {
  const ptrdiff_t step = plane->columnStep, width = plane->width;
  // Those that all phases have on the image.
  ptrdiff_t lower = left < 0 ? (-left + step - 1) / step : 0, upper = (width - left - phases + step) / step;
  if (upper > count) upper = count;
  if (upper < lower) lower = upper = count;
  for (ptrdiff_t r = 0; r < rows; r++, tile += phases * count) {
    if (top + r < 0 || top + r >= plane->height) {
      for (ptrdiff_t i = 0; i < phases * count; i++) tile[i] = 0;
      continue;
    }
    const REAL *row = image + (top + r) * width;
    for (ptrdiff_t q = 0; q < phases; q++)
      for (ptrdiff_t i = lower > 0 ? 0 : upper; i < count; i = i + 1 == lower ? upper : i + 1) {
        ptrdiff_t column = left + q + i * step;
        tile[q * count + i] = column >= 0 && column < width ? row[column] : 0;
      }
    if (step == 2 && phases == 2 && upper - lower >= LANES) {
      for (ptrdiff_t i = lower; i < upper; i += LANES) {
        if (i + LANES > upper) i = upper - LANES;
        vector first = load(row + left + 2 * i), second = load(row + left + 2 * i + LANES);
        store(tile + i, everySecond(first, second, 0));
        store(tile + count + i, everySecond(first, second, 1));
      }
    } else {
      for (ptrdiff_t q = 0; q < phases; q++)
        for (ptrdiff_t i = lower; i < upper; i++) tile[q * count + i] = row[left + q + i * step];
    }
  }
}

// Writes a block of outputs, the first of which meets `tile` by the first tap; rows of the tile are `apart`.
INLINE void steppedBlock(const int rows, const int vectors, const CKPlane *plane, const REAL *filter, const REAL *tile,
    ptrdiff_t apart, ptrdiff_t segment, REAL bias, REAL *output, ptrdiff_t step) {
  // From tap to tap, as the segment and the place in it.
  const ptrdiff_t nextPhase = plane->columnDilation % plane->columnStep;
  const ptrdiff_t nextPlace = plane->columnDilation / plane->columnStep;
  vector sums[ROWS * 2];
  UNROLLED for (int i = 0; i < rows * vectors; i++) sums[i] = broadcast(bias);
  const REAL *row = tile;
  for (ptrdiff_t u = 0; u < plane->filterHeight; u++, row += plane->rowDilation * apart)
    for (ptrdiff_t v = 0, phase = 0, place = 0; v < plane->filterWidth; v++, filter += plane->tapStep) {
      vector tap = broadcast(*filter);
      const REAL *pixels = row + (phase * segment + place);
      UNROLLED for (int i = 0; i < rows; i++)
        UNROLLED for (int j = 0; j < vectors; j++)
          sums[i * vectors + j] =
              multiplyAdd(tap, load(pixels + i * plane->rowStep * apart + j * LANES), sums[i * vectors + j]);
      phase += nextPhase, place += nextPlace;
      if (phase >= plane->columnStep) phase -= plane->columnStep, place++;
    }
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < vectors; j++) store(output + i * step + j * LANES, sums[i * vectors + j]);
}

// Writes `made` outputs of each of some rows, at least LANES; the first meets `tile` by the first tap.
INLINE void steppedBlocks(const int rows, const CKPlane *plane, const REAL *filter, const REAL *tile, ptrdiff_t apart,
    ptrdiff_t segment, REAL bias, REAL *output, ptrdiff_t made, ptrdiff_t step) {
#define BLOCK(count) steppedBlock(rows, count, plane, filter, tile + c, apart, segment, bias, output + c, step)
  FOR_COLUMNS(c, 0, made, 2, BLOCK)
#undef BLOCK
}

// The rows `first ..< end` of a plane of one channel.
static void steppedRows(const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias, REAL *output,
    ptrdiff_t first, ptrdiff_t end) {
  REAL tile[CK_TILE];
  const ptrdiff_t step = plane->columnStep, reach = (plane->filterWidth - 1) * plane->columnDilation;
  const ptrdiff_t phases = step < reach + 1 ? step : reach + 1, beyond = reach / step;
  const ptrdiff_t least = (plane->filterHeight - 1) * plane->rowDilation + 1, width = plane->outputWidth;
  // A tile of several rows of outputs where it has room for them side by side, else of one.
  ptrdiff_t most = CK_TILE / phases / (least + 3 * plane->rowStep) - beyond;
  if (most < LANES) most = CK_TILE / phases / least - beyond;
  for (ptrdiff_t b = 0, right; b < width; b = right) {
    right = width - b < most ? width : b + most;
    if (right - b < LANES) b = right < LANES ? 0 : right - LANES;
    const ptrdiff_t count = right - b < LANES ? LANES : right - b, segment = count + beyond, apart = phases * segment;
    const ptrdiff_t tall = (CK_TILE / apart - least) / plane->rowStep + 1;
    for (ptrdiff_t a = first, bottom; a < end; a = bottom) {
      bottom = end - a < tall ? end : a + tall;
      const ptrdiff_t top = a * plane->rowStep - plane->top, left = b * step - plane->left;
      gatherPhases(plane, image, top, left, (bottom - a - 1) * plane->rowStep + least, phases, segment, tile);
      // Where a row is less than a vector, outputs behind it are computed too, and left.
      for (ptrdiff_t i = a, next; i < bottom; i = next) {
        next = bottom - i < ROWS ? i + 1 : i + ROWS;
        const REAL *source = tile + (i - a) * plane->rowStep * apart;
        REAL *target = output + (i * width + b), made[ROWS * LANES];
        REAL *to = width < LANES ? made : target;
        const ptrdiff_t step = width < LANES ? LANES : width;
        if (next - i > 1)
          steppedBlocks(ROWS, plane, filter, source, apart, segment, bias, to, count, step);
        else
          steppedBlocks(1, plane, filter, source, apart, segment, bias, to, count, step);
        for (ptrdiff_t j = 0; width < LANES && j < (next - i) * width; j++)
          target[j] = made[j / width * LANES + j % width];
      }
    }
  }
}
