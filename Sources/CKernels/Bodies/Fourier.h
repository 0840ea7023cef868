// Fourier transforms of one element type (see CKFourier.h): all columns side by side, as many at a time as a vector has lanes, and
// through all stages at once, so that a panel of columns stays in the first cache.
//
// The sums and products are those of the plain Swift stages, in their order; where a product of complex numbers is
// fused it errs by 2u of itself (Jeannerod, Kornerup, Louvet and Muller, Math. Comp. 86, 2017), less than the √5·u of one that is not.

#ifndef WAVE
// Wider vectors gain nothing where the last few columns fill one, and a panel of them does not fit the first cache.
#define WAVE_BYTES (VECTOR_BYTES > 32 ? 32 : VECTOR_BYTES)
#define WAVE OF_TYPE(wave)
#define WAVE_LANES ((ptrdiff_t)(WAVE_BYTES / sizeof(REAL)))
#define PLAN OF_TYPE(fourierPlan)
#define waveAt OF_TYPE(waveAt)
#define putWave OF_TYPE(putWave)
#define turned OF_TYPE(turned)
#define forwardFour OF_TYPE(forwardFour)
#define inverseFour OF_TYPE(inverseFour)
#define sumsOfTwo OF_TYPE(sumsOfTwo)
#define forwardStages OF_TYPE(forwardStages)
#define inverseStages OF_TYPE(inverseStages)
#define separated OF_TYPE(separated)
#define joined OF_TYPE(joined)
#define transposeTile OF_TYPE(transposeTile)
typedef CKFourierPlanF32 fourierPlan_f32;
typedef CKFourierPlanF64 fourierPlan_f64;
typedef CKFourierF32 fourierTable_f32;
typedef CKFourierF64 fourierTable_f64;
#endif

typedef REAL WAVE __attribute__((vector_size(WAVE_BYTES)));

INLINE WAVE waveAt(const REAL *from) {
  WAVE value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

INLINE void putWave(REAL *to, WAVE value) { __builtin_memcpy(to, &value, sizeof value); }

// (real + i·imaginary) · (rootReal + i·rootImaginary).
INLINE void turned(WAVE *real, WAVE *imaginary, REAL rootReal, REAL rootImaginary) {
  const WAVE c = (WAVE){} + rootReal, s = (WAVE){} + rootImaginary, r = *real, i = *imaginary;
#if FUSED
  *real = __builtin_elementwise_fma(r, c, -(i * s));
  *imaginary = __builtin_elementwise_fma(r, s, i * c);
#else
  *real = r * c - i * s;
  *imaginary = r * s + i * c;
#endif
}

// One butterfly of four rows `step` apart; `roots` is null where all are 1.
INLINE void forwardFour(REAL *real, REAL *imaginary, ptrdiff_t step, const REAL *roots) {
  const WAVE ar = waveAt(real), br = waveAt(real + step), cr = waveAt(real + 2 * step), dr = waveAt(real + 3 * step);
  const WAVE ai = waveAt(imaginary), bi = waveAt(imaginary + step), ci = waveAt(imaginary + 2 * step),
             di = waveAt(imaginary + 3 * step);
  const WAVE evenR = ar + cr, evenI = ai + ci, oddR = br + dr, oddI = bi + di;
  const WAVE fromR = ar - cr, fromI = ai - ci, toR = br - dr, toI = bi - di;
  WAVE firstR = fromR + toI, firstI = fromI - toR, secondR = evenR - oddR, secondI = evenI - oddI, thirdR = fromR - toI,
       thirdI = fromI + toR;
  if (roots) {
    turned(&firstR, &firstI, roots[0], roots[3]);
    turned(&secondR, &secondI, roots[1], roots[4]);
    turned(&thirdR, &thirdI, roots[2], roots[5]);
  }
  putWave(real, evenR + oddR);
  putWave(imaginary, evenI + oddI);
  putWave(real + step, firstR);
  putWave(imaginary + step, firstI);
  putWave(real + 2 * step, secondR);
  putWave(imaginary + 2 * step, secondI);
  putWave(real + 3 * step, thirdR);
  putWave(imaginary + 3 * step, thirdI);
}

INLINE void inverseFour(REAL *real, REAL *imaginary, ptrdiff_t step, const REAL *roots) {
  const WAVE ar = waveAt(real), ai = waveAt(imaginary);
  WAVE br = waveAt(real + step), cr = waveAt(real + 2 * step), dr = waveAt(real + 3 * step);
  WAVE bi = waveAt(imaginary + step), ci = waveAt(imaginary + 2 * step), di = waveAt(imaginary + 3 * step);
  if (roots) {
    turned(&br, &bi, roots[0], -roots[3]);
    turned(&cr, &ci, roots[1], -roots[4]);
    turned(&dr, &di, roots[2], -roots[5]);
  }
  const WAVE evenR = ar + cr, evenI = ai + ci, oddR = br + dr, oddI = bi + di;
  const WAVE fromR = ar - cr, fromI = ai - ci, toR = br - dr, toI = bi - di;
  putWave(real, evenR + oddR);
  putWave(imaginary, evenI + oddI);
  putWave(real + step, fromR - toI);
  putWave(imaginary + step, fromI + toR);
  putWave(real + 2 * step, evenR - oddR);
  putWave(imaginary + 2 * step, evenI - oddI);
  putWave(real + 3 * step, fromR + toI);
  putWave(imaginary + 3 * step, fromI - toR);
}

INLINE void sumsOfTwo(REAL *part, ptrdiff_t pitch, ptrdiff_t count) {
  for (ptrdiff_t row = 0; row < count; row += 2) {
    REAL *upper = part + row * pitch;
    const WAVE a = waveAt(upper), b = waveAt(upper + pitch);
    putWave(upper, a + b);
    putWave(upper + pitch, a - b);
  }
}

// All stages of the transform of `count` rows.
INLINE void forwardStages(REAL *real, REAL *imaginary, ptrdiff_t pitch, ptrdiff_t count, const REAL *roots) {
  ptrdiff_t length = count;
  for (; length >= 4; length /= 4) {
    const ptrdiff_t quarter = length / 4, step = quarter * pitch;
    for (ptrdiff_t start = 0; start < count; start += length)
      forwardFour(real + start * pitch, imaginary + start * pitch, step, 0);
    for (ptrdiff_t j = 1; j < quarter; j++) {
      for (ptrdiff_t start = j; start < count; start += length)
        forwardFour(real + start * pitch, imaginary + start * pitch, step, roots + 6 * j);
    }
    roots += 6 * quarter;
  }
  if (length == 2) {
    sumsOfTwo(real, pitch, count);
    sumsOfTwo(imaginary, pitch, count);
  }
}

// Their conjugate transpose, stage by stage backwards.
INLINE void inverseStages(REAL *real, REAL *imaginary, ptrdiff_t pitch, ptrdiff_t count, const REAL *roots) {
  ptrdiff_t length = count;
  for (; length > 4; length /= 4) roots += length / 4 * 6;
  if (length == 2) {
    sumsOfTwo(real, pitch, count);
    sumsOfTwo(imaginary, pitch, count);
    length = 8;
  }
  for (; length <= count; length *= 4) {
    const ptrdiff_t quarter = length / 4, step = quarter * pitch;
    if (length > 4) roots -= 6 * quarter;
    for (ptrdiff_t start = 0; start < count; start += length)
      inverseFour(real + start * pitch, imaginary + start * pitch, step, 0);
    for (ptrdiff_t j = 1; j < quarter; j++) {
      for (ptrdiff_t start = j; start < count; start += length)
        inverseFour(real + start * pitch, imaginary + start * pitch, step, roots + 6 * j);
    }
  }
}

// From Z to 2X, of one panel.
INLINE void separated(const PLAN *plan, REAL *real, REAL *imaginary) {
  const ptrdiff_t half = plan->half, pitch = plan->blockPitch;
  const WAVE a = waveAt(real), b = waveAt(imaginary), zero = {};
  putWave(real, (a + b) + (a + b));
  putWave(imaginary, zero);
  putWave(real + half * pitch, (a - b) + (a - b));
  putWave(imaginary + half * pitch, zero);
  const ptrdiff_t middle = plan->places[half / 2] * pitch;
  const WAVE mr = waveAt(real + middle), mi = waveAt(imaginary + middle);
  putWave(real + middle, mr + mr);
  putWave(imaginary + middle, -(mi + mi));
  for (ptrdiff_t k = 1; k < half / 2; k++) {
    const REAL *root = plan->separateRoots + 2 * k - 2;
    const ptrdiff_t one = plan->places[k] * pitch, other = plan->places[half - k] * pitch;
    const WAVE ar = waveAt(real + one), ai = waveAt(imaginary + one), br = waveAt(real + other),
               bi = waveAt(imaginary + other);
    const WAVE sumR = ar + br, sumI = ai - bi;
    WAVE turnR = ai + bi, turnI = br - ar;
    turned(&turnR, &turnI, root[0], root[1]);
    putWave(real + one, sumR + turnR);
    putWave(imaginary + one, sumI + turnI);
    putWave(real + other, sumR - turnR);
    putWave(imaginary + other, turnI - sumI);
  }
}

// From X to 2Z, of one panel.
INLINE void joined(const PLAN *plan, REAL *real, REAL *imaginary) {
  const ptrdiff_t half = plan->half, pitch = plan->blockPitch;
  const WAVE a = waveAt(real), b = waveAt(real + half * pitch);
  putWave(real, a + b);
  putWave(imaginary, a - b);
  const ptrdiff_t middle = plan->places[half / 2] * pitch;
  const WAVE mr = waveAt(real + middle), mi = waveAt(imaginary + middle);
  putWave(real + middle, mr + mr);
  putWave(imaginary + middle, -(mi + mi));
  for (ptrdiff_t k = 1; k < half / 2; k++) {
    const REAL *root = plan->separateRoots + 2 * k - 2;
    const ptrdiff_t one = plan->places[k] * pitch, other = plan->places[half - k] * pitch;
    const WAVE ar = waveAt(real + one), ai = waveAt(imaginary + one), br = waveAt(real + other),
               bi = waveAt(imaginary + other);
    const WAVE sumR = ar + br, sumI = ai - bi;
    WAVE turnR = ar - br, turnI = ai + bi;
    turned(&turnR, &turnI, root[0], -root[1]);
    putWave(real + one, sumR - turnI);
    putWave(imaginary + one, sumI + turnR);
    putWave(real + other, sumR + turnI);
    putWave(imaginary + other, turnR - sumI);
  }
}

// As many vectors as they have lanes, rows for columns: by halves interleaved as often as halves can be halved.
INLINE void transposeTile(WAVE tile[]) {
#pragma clang loop unroll(full)
  for (int round = 1; round < WAVE_LANES; round *= 2) {
    WAVE next[WAVE_LANES];
#pragma clang loop unroll(full)
    for (int row = 0; row < WAVE_LANES / 2; row++) {
      const WAVE a = tile[row], b = tile[row + WAVE_LANES / 2];
#pragma clang loop unroll(full)
      for (int lane = 0; lane < WAVE_LANES / 2; lane++) {
        next[2 * row][2 * lane] = a[lane];
        next[2 * row][2 * lane + 1] = b[lane];
        next[2 * row + 1][2 * lane] = a[lane + WAVE_LANES / 2];
        next[2 * row + 1][2 * lane + 1] = b[lane + WAVE_LANES / 2];
      }
    }
#pragma clang loop unroll(full)
    for (int row = 0; row < WAVE_LANES; row++) tile[row] = next[row];
  }
}

static void NAMED(fourierForward)(const PLAN *plan, REAL *block, ptrdiff_t columns, REAL *spectrum) {
  const ptrdiff_t half = plan->half, width = plan->width, from = plan->blockPitch, to = plan->pitch;
  REAL *parts[2] = {block, block + (half + 1) * from};
  REAL *made[2] = {spectrum, spectrum + width * to};
  ptrdiff_t column = 0;
  for (; column < columns; column += WAVE_LANES) {
    forwardStages(parts[0] + column, parts[1] + column, from, half, plan->downRoots);
    separated(plan, parts[0] + column, parts[1] + column);
    for (int part = 0; part < 2; part++) {
      for (ptrdiff_t k = 0; k <= half; k += WAVE_LANES) {
        WAVE tile[WAVE_LANES];
#pragma clang loop unroll(full)
        for (int row = 0; row < WAVE_LANES; row++)
          tile[row] = k + row <= half ? waveAt(parts[part] + plan->places[k + row] * from + column) : (WAVE){};
        transposeTile(tile);
#pragma clang loop unroll(full)
        for (int row = 0; row < WAVE_LANES; row++) putWave(made[part] + (column + row) * to + k, tile[row]);
      }
    }
  }
  if (column < width) {
    __builtin_memset(made[0] + column * to, 0, (size_t)((width - column) * to) * sizeof(REAL));
    __builtin_memset(made[1] + column * to, 0, (size_t)((width - column) * to) * sizeof(REAL));
  }
  for (ptrdiff_t k = 0; k <= half; k += WAVE_LANES) forwardStages(made[0] + k, made[1] + k, to, width, plan->alongRoots);
}

static void NAMED(fourierInverse)(const PLAN *plan, const REAL *spectra, const REAL *filters, ptrdiff_t filterStep,
                                  ptrdiff_t terms, REAL sign, REAL *block, REAL *scratch) {
  const ptrdiff_t half = plan->half, width = plan->width, from = plan->pitch, to = plan->blockPitch;
  const ptrdiff_t imaginary = width * from;
  REAL *parts[2] = {scratch, scratch + width * WAVE_LANES};
  REAL *made[2] = {block, block + (half + 1) * to};
  for (ptrdiff_t k = 0; k <= half; k += WAVE_LANES) {
    for (ptrdiff_t row = 0; row < width; row++) {
      WAVE real = {}, imag = {};
      const REAL *x = spectra + row * from + k, *w = filters + row * from + k;
      for (ptrdiff_t term = 0; term < terms; term++, x += 2 * imaginary, w += filterStep) {
        const WAVE xr = waveAt(x), xi = waveAt(x + imaginary), wr = waveAt(w), wi = waveAt(w + imaginary) * sign;
#if FUSED
        real += __builtin_elementwise_fma(xr, wr, -(xi * wi));
        imag += __builtin_elementwise_fma(xr, wi, xi * wr);
#else
        real += xr * wr - xi * wi;
        imag += xr * wi + xi * wr;
#endif
      }
      putWave(parts[0] + row * WAVE_LANES, real);
      putWave(parts[1] + row * WAVE_LANES, imag);
    }
    inverseStages(parts[0], parts[1], WAVE_LANES, width, plan->alongRoots);
    for (int part = 0; part < 2; part++) {
      for (ptrdiff_t column = 0; column < width; column += WAVE_LANES) {
        WAVE tile[WAVE_LANES];
#pragma clang loop unroll(full)
        for (int row = 0; row < WAVE_LANES; row++) tile[row] = waveAt(parts[part] + (column + row) * WAVE_LANES);
        transposeTile(tile);
#pragma clang loop unroll(full)
        for (int row = 0; row < WAVE_LANES; row++) {
          if (k + row <= half) putWave(made[part] + plan->places[k + row] * to + column, tile[row]);
        }
      }
    }
  }
  for (ptrdiff_t column = 0; column < width; column += WAVE_LANES) {
    joined(plan, made[0] + column, made[1] + column);
    inverseStages(made[0] + column, made[1] + column, to, half, plan->downRoots);
  }
}

const OF_TYPE(fourierTable) NAMED(ck_fourier) = {WAVE_LANES, NAMED(fourierForward), NAMED(fourierInverse)};
