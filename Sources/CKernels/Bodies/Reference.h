// The sums of the reference (see CKReference.h), for REAL = double: outputs lie side by side, a block of them is kept in registers
// while all taps pass.
//
// **float32.** A product of two float32 is exact in float64, so that a fused multiply-add rounds as a product and a sum do, and all
// variants form the same numbers.
//
// **float64.** First S, the sum of the magnitudes. Then σ, the power of two with 2.002·S < σ ≤ 4.004·S or so, and the sum runs
// from 1.5·σ on: partial sums stay between σ and 2σ, where numbers are 2⁻⁵²·σ apart. So of `s = fl(a + w·x)` the step `t = s − a` is
// exact, and `w·x − t`, at most v·σ with v = 2⁻⁵³, is what the sum has lost: one more fused multiply-add, which errs by v²·σ. The n
// lost parts are added in a second chain, whose n − 1 sums err by (n² + n)/2·v²·σ. With σ ≤ 4.004·S all this is less than
// (2.01n² + 6.1n)·v²·S, below the 4(n + 1)²·v²·S that the bound of a doubled sum (Ogita, Rump and Oishi) leaves, of which it needs
// neither the six operations of TwoSum nor a rounded product for each term. At the end `s − 1.5·σ` is exact, and TwoSum makes the
// leading part of it. Without a fused multiply-add products are split (Dekker), `(p − t) + e` takes the place of the
// second one and errs by v more of itself, in all (n² + n)/2·v²·σ + n·v²·S + n·v²·(σ + S) < (2.01n² + 8n)·v²·S.
//
// Nothing here may be contracted behind the code's back.

#define WIDE vector
#define WIDE_LANES LANES
// The outputs of a block, in vectors.
#define REFERENCE_BLOCK (VECTOR_REGISTERS / 4)

typedef float PASTE3(narrow, VARIANT, f32) __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef int64_t PASTE3(bits, VARIANT, f64) __attribute__((vector_size(VECTOR_BYTES)));
#define NARROW PASTE3(narrow, VARIANT, f32)
#define BITS PASTE3(bits, VARIANT, f64)

INLINE WIDE widened(const float *from) {
  NARROW value;
  __builtin_memcpy(&value, from, sizeof value);
  return __builtin_convertvector(value, WIDE);
}

INLINE WIDE magnitude(WIDE value) { return (WIDE)((BITS)value & INT64_MAX); }

// Forms R rows of J vectors.
INLINE void referenceBlock_f32(const int R, const int J, const CKReferenceTaps *taps, const float *source, const float *weights,
                               double start, CKReferenceSums sums) {
  WIDE sum[REFERENCE_BLOCK], absolute[REFERENCE_BLOCK];
#pragma clang loop unroll(full)
  for (int i = 0; i < R * J; i++) {
    sum[i] = broadcast(start);
    absolute[i] = magnitude(broadcast(start));
  }
  for (ptrdiff_t c = 0; c < taps->planes; c++) {
    for (ptrdiff_t u = 0; u < taps->rows; u++) {
      const float *row = source + c * taps->planeStep + u * taps->rowStep;
      const float *weight = weights + c * taps->weightPlaneStep + u * taps->weightRowStep;
      for (ptrdiff_t v = 0; v < taps->columnCount; v++) {
        const WIDE w = broadcast((double)weight[v]);
        const WIDE wAbsolute = magnitude(w);
        const float *pixel = row + taps->columns[v];
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
          for (int j = 0; j < J; j++) {
            const WIDE x = widened(pixel + r * taps->outputStep + j * WIDE_LANES);
            sum[r * J + j] = multiplyAdd(w, x, sum[r * J + j]);
            absolute[r * J + j] = multiplyAdd(wAbsolute, magnitude(x), absolute[r * J + j]);
          }
        }
      }
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < J; j++) {
      store(sums.value + r * sums.step + j * WIDE_LANES, sum[r * J + j]);
      store(sums.absolute + r * sums.step + j * WIDE_LANES, absolute[r * J + j]);
    }
  }
}

#if !FUSED
// Veltkamp's upper half of 26 bits.
INLINE WIDE upperHalf(WIDE value) {
#pragma STDC FP_CONTRACT OFF
  const WIDE scaled = 134217729 * value;
  return scaled - (scaled - value);
}
#endif

// Forms R rows of J vectors; says by bits that are all set in which lanes S is below 2¹⁰⁰⁰.
INLINE BITS referenceBlock_f64(const int R, const int J, const CKReferenceTaps *taps, const double *source,
                               const double *weights, double start, CKReferenceSums sums) {
#pragma STDC FP_CONTRACT OFF
  WIDE sum[REFERENCE_BLOCK], lost[REFERENCE_BLOCK];
#pragma clang loop unroll(full)
  for (int i = 0; i < R * J; i++) sum[i] = magnitude(broadcast(start));
  for (ptrdiff_t c = 0; c < taps->planes; c++) {
    for (ptrdiff_t u = 0; u < taps->rows; u++) {
      const double *row = source + c * taps->planeStep + u * taps->rowStep;
      const double *weight = weights + c * taps->weightPlaneStep + u * taps->weightRowStep;
      for (ptrdiff_t v = 0; v < taps->columnCount; v++) {
        const WIDE w = magnitude(broadcast(weight[v]));
        const double *pixel = row + taps->columns[v];
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
          for (int j = 0; j < J; j++)
            sum[r * J + j] = multiplyAdd(w, magnitude(load(pixel + r * taps->outputStep + j * WIDE_LANES)), sum[r * J + j]);
        }
      }
    }
  }
  const BITS exponent = (BITS){} + 0x7FF0000000000000, four = (BITS){} + 0x0020000000000000,
             half = (BITS){} + 0x0008000000000000;
  BITS fits = (BITS){} - 1;
#pragma clang loop unroll(full)
  for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < J; j++) {
      const WIDE absolute = sum[r * J + j];
      store(sums.absolute + r * sums.step + j * WIDE_LANES, absolute);
      fits &= absolute < 0x1p1000;
      const WIDE base = (WIDE)((((BITS)(absolute * 1.001) & exponent) + four) | half);
      sum[r * J + j] = base + start;
      lost[r * J + j] = start - (sum[r * J + j] - base);
    }
  }
  for (ptrdiff_t c = 0; c < taps->planes; c++) {
    for (ptrdiff_t u = 0; u < taps->rows; u++) {
      const double *row = source + c * taps->planeStep + u * taps->rowStep;
      const double *weight = weights + c * taps->weightPlaneStep + u * taps->weightRowStep;
      for (ptrdiff_t v = 0; v < taps->columnCount; v++) {
        const WIDE w = broadcast(weight[v]);
        const double *pixel = row + taps->columns[v];
#if !FUSED
        const WIDE wHigh = upperHalf(w), wLow = w - wHigh;
#endif
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
          for (int j = 0; j < J; j++) {
            const WIDE x = load(pixel + r * taps->outputStep + j * WIDE_LANES);
            const WIDE old = sum[r * J + j];
#if FUSED
            const WIDE new = __builtin_elementwise_fma(w, x, old);
            const WIDE step = new - old;
            lost[r * J + j] += __builtin_elementwise_fma(w, x, -step);
#else
            const WIDE product = w * x;
            const WIDE high = upperHalf(x), low = x - high;
            const WIDE error = low * wLow - (((product - high * wHigh) - low * wHigh) - high * wLow);
            const WIDE new = old + product;
            const WIDE step = new - old;
            lost[r * J + j] += (product - step) + error;
#endif
            sum[r * J + j] = new;
          }
        }
      }
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < J; j++) {
      const WIDE absolute = load(sums.absolute + r * sums.step + j * WIDE_LANES);
      const WIDE base = (WIDE)((((BITS)(absolute * 1.001) & exponent) + four) | half);
      const WIDE high = sum[r * J + j] - base, low = lost[r * J + j];
      const WIDE value = high + low;
      const WIDE part = value - high;
      store(sums.value + r * sums.step + j * WIDE_LANES, value);
      store(sums.tail + r * sums.step + j * WIDE_LANES, (high - (value - part)) + (low - part));
    }
  }
  return fits;
}

INLINE CKReferenceSums sumsAt(CKReferenceSums sums, ptrdiff_t row, ptrdiff_t column) {
  const ptrdiff_t offset = row * sums.step + column;
  return (CKReferenceSums){sums.value + offset, sums.tail + offset, sums.absolute + offset, sums.step};
}

// Columns [from, from + J·lanes) of all rows, R at a time where there are so many; the last ones may be formed again.
#define REFERENCE_COLUMNS(J, FORM) \
  { \
    enum { R = REFERENCE_BLOCK / (J) }; \
    if (rows >= R) { \
      for (ptrdiff_t row = 0; row < rows; row += R) { \
        const ptrdiff_t a = row + R <= rows ? row : rows - R; \
        FORM(R, J, taps, source + a * taps->outputStep + from, weights, start, sumsAt(sums, a, from)); \
      } \
    } else { \
      for (ptrdiff_t a = 0; a < rows; a++) \
        FORM(1, J, taps, source + a * taps->outputStep + from, weights, start, sumsAt(sums, a, from)); \
    } \
  }

// All columns: blocks as wide as they fit, the last vector where the row ends.
#define REFERENCE_ROWS(FORM) \
  ptrdiff_t from = 0; \
  for (; from + REFERENCE_BLOCK * WIDE_LANES <= count; from += REFERENCE_BLOCK * WIDE_LANES) \
    REFERENCE_COLUMNS(REFERENCE_BLOCK, FORM) \
  for (; from + 2 * WIDE_LANES <= count; from += 2 * WIDE_LANES) REFERENCE_COLUMNS(2, FORM) \
  while (from < count) { \
    if (from + WIDE_LANES > count) from = count - WIDE_LANES; \
    REFERENCE_COLUMNS(1, FORM) \
    from += WIDE_LANES; \
  }

static void PASTE3(referenceRows, VARIANT, f32)(const CKReferenceTaps *taps, const float *source, const float *weights,
                                                double start, ptrdiff_t rows, ptrdiff_t count, CKReferenceSums sums) {
  REFERENCE_ROWS(referenceBlock_f32)
}

static bool PASTE3(referenceRows, VARIANT, f64)(const CKReferenceTaps *taps, const double *source, const double *weights,
                                                double start, ptrdiff_t rows, ptrdiff_t count, CKReferenceSums sums) {
  BITS fits = (BITS){} - 1;
#define FORM fits &= referenceBlock_f64
  REFERENCE_ROWS(FORM)
#undef FORM
  int64_t all = -1;
  for (ptrdiff_t lane = 0; lane < WIDE_LANES; lane++) all &= fits[lane];
  return all != 0;
}

const CKReferenceF32 PASTE3(ck_reference, VARIANT, f32) = {WIDE_LANES, PASTE3(referenceRows, VARIANT, f32)};
const CKReferenceF64 PASTE3(ck_reference, VARIANT, f64) = {WIDE_LANES, !FUSED, PASTE3(referenceRows, VARIANT, f64)};
