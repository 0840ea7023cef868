// The sums of the reference (see CKReference.h), for REAL = double: outputs lie side by side, a block of them is kept in registers
// while all taps pass.
//
// **float32.** A product of two float32 is exact in float64, so that a fused multiply-add rounds as a product and a sum
// do, and all variants form the same numbers. S need only be an upper bound, close to what it is, and is summed in
// float32, in half as many registers: of m products at most, u = 2⁻²⁴, the sum is at least (1 − u)^(m+1)·S, so that it
// times 1 + 1.125·(m + 1)·u is no less than S while (m + 1)·u ≤ 2⁻⁴ (the rest of this factor, 0.05·(m + 1)·u, is more
// than the sums of such sums in float64 lose). After CK_REFERENCE_RUN products or so S goes on in float64, which keeps m
// within twice that. Where numbers below 2⁻¹²⁶ are rounded, each of n products may lose 2⁻¹⁵⁰: no more than n·2⁻³⁴ of an
// S of at least 2⁻¹¹⁶; below that the caller must know that no product was so small.
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
// The outputs of a block of one plane, in vectors; and the planes whose blocks share their pixels.
#define REFERENCE_BLOCK (VECTOR_REGISTERS / 4)
#define REFERENCE_PLANES (VECTOR_REGISTERS >= 32 ? 3 : 2)

typedef float PASTE3(narrow, VARIANT, f32) __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef int32_t PASTE3(narrowBits, VARIANT, f32) __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef int64_t PASTE3(bits, VARIANT, f64) __attribute__((vector_size(VECTOR_BYTES)));
#define NARROW PASTE3(narrow, VARIANT, f32)
#define NARROW_BITS PASTE3(narrowBits, VARIANT, f32)
#define BITS PASTE3(bits, VARIANT, f64)

INLINE NARROW loadNarrow(const float *from) {
  NARROW value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

INLINE WIDE widened(const float *from) { return __builtin_convertvector(loadNarrow(from), WIDE); }

INLINE WIDE magnitude(WIDE value) { return (WIDE)((BITS)value & INT64_MAX); }

INLINE NARROW magnitudeNarrow(NARROW value) { return (NARROW)((NARROW_BITS)value & INT32_MAX); }

INLINE NARROW multiplyAddNarrow(NARROW a, NARROW b, NARROW c) {
#if FUSED
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

// Of sums of magnitudes their sum, and the least one as bits, which order as numbers do that have no sign.
typedef struct PASTE2(referenceFound, VARIANT) {
  WIDE sum;
  BITS least;
} PASTE2(referenceFound, VARIANT);
#define FOUND PASTE2(referenceFound, VARIANT)

// Forms R rows of J vectors of K planes. K or R is 1: either planes share the pixels or rows share the weights.
INLINE void referenceBlock_f32(const int K, const int R, const int J, const CKReferenceTaps *taps, const float *source,
                              CKReferenceWeights weights, const double *starts, CKReferenceSums sums, FOUND *found) {
  enum { MOST = 4 * REFERENCE_PLANES };
  WIDE sum[MOST], total[MOST];
  NARROW absolute[MOST];
#pragma clang loop unroll(full)
  for (int i = 0; i < K * R * J; i++) {
    sum[i] = broadcast(starts[i / (R * J)]);
    total[i] = magnitude(sum[i]);
    absolute[i] = (NARROW){};
  }
  ptrdiff_t run = 0;
  for (ptrdiff_t c = 0; c < taps->planes; c++) {
    for (ptrdiff_t u = 0; u < taps->rows; u++) {
      const float *row = source + c * taps->planeStep + u * taps->rowStep;
      const ptrdiff_t tap = c * taps->weightPlaneStep + u * taps->weightRowStep;
      for (ptrdiff_t first = 0; first < taps->columnCount; first += CK_REFERENCE_RUN) {
        const ptrdiff_t left = taps->columnCount - first;
        const ptrdiff_t end = left < CK_REFERENCE_RUN ? taps->columnCount : first + CK_REFERENCE_RUN;
        run += end - first;
        if (__builtin_expect(run > 2 * CK_REFERENCE_RUN, 0)) {
          run = end - first;
#pragma clang loop unroll(full)
          for (int i = 0; i < K * R * J; i++) {
            total[i] += __builtin_convertvector(absolute[i], WIDE);
            absolute[i] = (NARROW){};
          }
        }
        for (ptrdiff_t v = first; v < end; v++) {
          const float *pixel = row + taps->columns[v];
#pragma clang loop unroll(full)
          for (int k = 0; k < K; k++) {
            // Planes that share pixels would convert their weights too often.
            const ptrdiff_t at = tap + v + k * taps->weightStep;
            const WIDE w = broadcast(K == 1 ? (double)weights.plain[at] : weights.wide[at]);
            const NARROW wAbsolute = K == 1 ? magnitudeNarrow(weights.plain[at] - (NARROW){}) : weights.magnitudes[at] - (NARROW){};
#pragma clang loop unroll(full)
            for (int i = 0; i < R * J; i++) {
              const NARROW x = loadNarrow(pixel + i / J * taps->outputStep + i % J * WIDE_LANES);
              const int to = k * R * J + i;
              sum[to] = multiplyAdd(w, __builtin_convertvector(x, WIDE), sum[to]);
              absolute[to] = multiplyAddNarrow(wAbsolute, magnitudeNarrow(x), absolute[to]);
            }
          }
        }
      }
    }
  }
  const double count = (double)(taps->planes * taps->rows) * (double)taps->columnCount;
  const double products = count < 2 * CK_REFERENCE_RUN ? count : 2 * CK_REFERENCE_RUN;
  const double growth = 1 + 1.125 * 0x1p-24 * (products + 1) + 0x1p-33 * count;
#pragma clang loop unroll(full)
  for (int i = 0; i < K * R * J; i++) {
    const WIDE narrow = __builtin_convertvector(absolute[i], WIDE);
    const WIDE all = total[i] + narrow;
    found->sum += all;
    found->least = __builtin_elementwise_min(found->least, (BITS)all);
    const ptrdiff_t at = i / (R * J) * sums.planeStep + i / J % R * sums.step + i % J * WIDE_LANES;
    store(sums.value + at, sum[i]);
    store(sums.absolute + at, all * growth);
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

// Forms R rows of J vectors of one plane, K being 1.
INLINE void referenceBlock_f64(const int K, const int R, const int J, const CKReferenceTaps *taps, const double *source,
                              const double *weights, const double *starts, CKReferenceSums sums, BITS *bad) {
#pragma STDC FP_CONTRACT OFF
  (void)K;
  const double start = *starts;
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
#pragma clang loop unroll(full)
  for (int r = 0; r < R; r++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < J; j++) {
      const WIDE absolute = sum[r * J + j];
      store(sums.absolute + r * sums.step + j * WIDE_LANES, absolute);
      *bad |= ~(BITS)(absolute < 0x1p1000);
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
}

INLINE CKReferenceSums sumsAt(CKReferenceSums sums, ptrdiff_t row, ptrdiff_t column) {
  const ptrdiff_t offset = row * sums.step + column;
  return (CKReferenceSums){sums.value + offset, sums.tail + offset, sums.absolute + offset, sums.step, sums.planeStep};
}

// Columns [from, from + J·lanes) of all rows of K planes, R rows at a time where there are so many, or beginning earlier where the
// row ends before; from where the next ones begin. Some outputs may be formed again.
#define REFERENCE_COLUMNS(K, R, J, FORM) \
  { \
    if (from + (J) * WIDE_LANES > count) from = count - (J) * WIDE_LANES; \
    const ptrdiff_t step = rows >= (R) ? (R) : 1; \
    for (ptrdiff_t row = 0; row < rows; row += step) { \
      const ptrdiff_t a = row + step <= rows ? row : rows - step; \
      const CKReferenceSums to = sumsAt(sums, a, from); \
      if ((R) > 1 && step == 1) FORM(K, 1, J, taps, source + a * taps->outputStep + from, weights, starts, to, &found); \
      else FORM(K, R, J, taps, source + a * taps->outputStep + from, weights, starts, to, &found); \
    } \
    from += (J) * WIDE_LANES; \
  }

// All columns of K planes: blocks of `WIDEST` vectors as long as half of one is left, then narrower ones of several rows.
#define REFERENCE_ROWS(K, WIDEST, FORM) \
  for (ptrdiff_t from = 0; from < count;) { \
    const ptrdiff_t left = count - from; \
    if (left > (WIDEST) / 2 * WIDE_LANES && count >= (WIDEST) * WIDE_LANES) \
      REFERENCE_COLUMNS(K, 1, WIDEST, FORM) \
    else if ((WIDEST) > 2 && left > WIDE_LANES && count >= 2 * WIDE_LANES) \
      REFERENCE_COLUMNS(K, (K) == 1 ? REFERENCE_BLOCK / 2 : 1, 2, FORM) \
    else \
      REFERENCE_COLUMNS(K, (K) == 1 ? REFERENCE_BLOCK / 2 : 1, 1, FORM) \
  }

static int PASTE3(referenceRows, VARIANT, f32)(const CKReferenceTaps *taps, const float *source, CKReferenceWeights weights,
                                               const double *starts, ptrdiff_t planes, ptrdiff_t rows, ptrdiff_t count,
                                               CKReferenceSums sums) {
  FOUND found = {.least = (BITS){} + INT64_MAX};
  switch (planes) {
  case 1: REFERENCE_ROWS(1, REFERENCE_BLOCK, referenceBlock_f32) break;
  case 2: REFERENCE_ROWS(2, REFERENCE_BLOCK / 2, referenceBlock_f32) break;
#if VECTOR_REGISTERS >= 32
  case 3: REFERENCE_ROWS(3, REFERENCE_BLOCK / 2, referenceBlock_f32) break;
#endif
  }
  // What is infinite or NaN makes so all that it is added to.
  const BITS bad = ~(BITS)(found.sum < __builtin_inf()), small = (BITS)((WIDE)found.least < 0x1p-116);
  int said = 0;
  for (ptrdiff_t lane = 0; lane < WIDE_LANES; lane++)
    said |= (bad[lane] ? CK_REFERENCE_BAD : 0) | (small[lane] ? CK_REFERENCE_SMALL : 0);
  return said;
}

static int PASTE3(referenceRows, VARIANT, f64)(const CKReferenceTaps *taps, const double *source, const double *weights,
                                               const double *starts, ptrdiff_t rows, ptrdiff_t count,
                                               CKReferenceSums sums) {
  BITS found = {};
  REFERENCE_ROWS(1, REFERENCE_BLOCK, referenceBlock_f64)
  for (ptrdiff_t lane = 0; lane < WIDE_LANES; lane++)
    if (found[lane]) return CK_REFERENCE_BAD;
  return 0;
}

const CKReferenceF32 PASTE3(ck_reference, VARIANT, f32) = {WIDE_LANES, REFERENCE_PLANES,
                                                           PASTE3(referenceRows, VARIANT, f32)};
const CKReferenceF64 PASTE3(ck_reference, VARIANT, f64) = {WIDE_LANES, !FUSED, PASTE3(referenceRows, VARIANT, f64)};
