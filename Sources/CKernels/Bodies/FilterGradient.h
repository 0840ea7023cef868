// The gradient of many channels by their filter: see CKFilterGradient.h. The register blocks are those of Channels.h, the
// sums running over results in place of channels and taps.

#ifndef FILTER_GRADIENT
#define FILTER_GRADIENT
#define CKFilterGradient_f32 CKFilterGradientF32
#define CKFilterGradient_f64 CKFilterGradientF64
#define addFilterGradient OF_TYPE(addFilterGradient)
#define turn OF_TYPE(turn)
#define packPixels OF_TYPE(packPixels)
#define packUpstream OF_TYPE(packUpstream)
#endif

// Four channels of `count` pixels, to where the pixels' channels stand side by side.
INLINE void turn(const REAL *__restrict from, ptrdiff_t plane, ptrdiff_t count, REAL *__restrict to, ptrdiff_t step) {
  for (ptrdiff_t i = 0; i < count; i++) {
    UNROLLED for (int c = 0; c < 4; c++) to[i * step + c] = from[c * plane + i];
  }
}

// For `rows` given rows from `top` on, for each padded column, the pixels of all channels side by side.
static void packPixels(const CKFilterShape *s, const REAL *image, ptrdiff_t top, ptrdiff_t rows, REAL *to) {
  const ptrdiff_t step = s->channels, plane = s->rows * s->columns;
  const ptrdiff_t lower = s->before < s->paddedColumns ? s->before : s->paddedColumns;
  ptrdiff_t inside = s->paddedColumns - lower;
  if (inside > s->columns) inside = s->columns;
  for (ptrdiff_t row = top; row < top + rows; row++, to += s->paddedColumns * step) {
    if (row < 0 || row >= s->rows) {
      for (ptrdiff_t i = 0; i < s->paddedColumns * step; i++) to[i] = 0;
      continue;
    }
    const REAL *from = image + row * s->columns;
    REAL *target = to + lower * step;
    for (ptrdiff_t i = 0; i < lower * step; i++) to[i] = 0;
    ptrdiff_t c = 0;
    for (; c + 4 <= s->channels; c += 4) turn(from + c * plane, plane, inside, target + c, step);
    for (; c < s->channels; c++)
      for (ptrdiff_t i = 0; i < inside; i++) target[i * step + c] = from[c * plane + i];
    for (ptrdiff_t i = (lower + inside) * step; i < s->paddedColumns * step; i++) to[i] = 0;
  }
}

// For each block of made channels, for each result from `first` on, the numbers of the block's channels side by side.
static void packUpstream(const CKFilterShape *s, const REAL *upstream, ptrdiff_t first, ptrdiff_t count, REAL *to) {
  const ptrdiff_t blocks = (s->made + BLOCK_CHANNELS - 1) / BLOCK_CHANNELS, plane = s->madeRows * s->madeColumns;
  const REAL *from = upstream + first;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t width = (s->made + block) / blocks;
    if (width == BLOCK_CHANNELS) {
      // A width that the compiler knows: it turns squares of numbers in registers.
      for (ptrdiff_t i = 0; i < count; i++)
        UNROLLED for (int m = 0; m < BLOCK_CHANNELS; m++) to[i * BLOCK_CHANNELS + m] = from[m * plane + i];
      to += count * BLOCK_CHANNELS;
    } else {
      for (ptrdiff_t i = 0; i < count; i++)
        for (ptrdiff_t m = 0; m < width; m++) *to++ = from[m * plane + i];
    }
    from += width * plane;
  }
}

static void addFilterGradient(const CKFilterShape *s, const REAL *image, const REAL *upstream, REAL *sums,
    REAL *scratch) {
  const ptrdiff_t blocks = (s->made + BLOCK_CHANNELS - 1) / BLOCK_CHANNELS, width = s->madeColumns;
  // With dilation 1 the pixels under a row of taps stand side by side, and are multiplied as one run.
  const ptrdiff_t runs = s->columnDilation == 1 ? 1 : s->tapColumns;
  const ptrdiff_t length = s->columnDilation == 1 ? s->tapColumns * s->channels : s->channels;
  const ptrdiff_t rowStep = s->paddedColumns * s->channels;
  REAL *const pixels = scratch + s->rowBlock * width * s->made;
  for (ptrdiff_t a = 0; a < s->madeRows; a += s->rowBlock) {
    const ptrdiff_t rows = s->madeRows - a < s->rowBlock ? s->madeRows - a : s->rowBlock;
    const ptrdiff_t needed = (rows - 1) * s->rowStride + (s->tapRows - 1) * s->rowDilation + 1;
    packUpstream(s, upstream, a * width, rows * width, scratch);
    packPixels(s, image, a * s->rowStride - s->above, needed, pixels);
    const REAL *weights = scratch;
    ptrdiff_t first = 0;
    for (ptrdiff_t block = 0; block < blocks; block++) {
      const ptrdiff_t channels = (s->made + block) / blocks;
      for (ptrdiff_t u = 0; u < s->tapRows; u++) {
        for (ptrdiff_t run = 0; run < runs; run++) {
          REAL *to = sums + ((u * runs + run) * s->made + first) * length;
          for (ptrdiff_t i = 0; i < length; i += BLOCK_VECTORS * LANES) {
            const ptrdiff_t count = length - i < BLOCK_VECTORS * LANES ? length - i : BLOCK_VECTORS * LANES;
            const Product p = {.source = pixels + u * s->rowDilation * rowStep + run * s->columnDilation * s->channels + i,
                .channels = rows, .channelStep = s->rowStride * rowStep, .taps = s->places, .tapCount = width,
                .outputStep = length};
            tiles((int)channels, &p, weights, NULL, to + i, count);
          }
        }
      }
      weights += channels * rows * width;
      first += channels;
    }
  }
}

const OF_TYPE(CKFilterGradient) NAMED(ck_filter_gradient) = {addFilterGradient};
