// Sums of weighted rows (see CKWeightedSum.h): a block of neighbours is kept in registers while all terms pass.

#ifndef weightedBlock
#define weightedBlock OF_TYPE(weightedBlock)
#define weightedSum OF_TYPE(weightedSum)
typedef CKWeightedSumF32 weightedTable_f32;
typedef CKWeightedSumF64 weightedTable_f64;
#endif

INLINE void weightedBlock(const int vectors, const bool adds, const REAL *weights, ptrdiff_t terms, const REAL *source,
                          ptrdiff_t step, REAL *target) {
  vector sum[8];
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; j++) sum[j] = (vector){};
  for (ptrdiff_t t = 0; t < terms; t++) {
    const vector w = broadcast(weights[t]);
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) sum[j] = multiplyAdd(w, load(source + t * step + j * LANES), sum[j]);
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; j++) store(target + j * LANES, adds ? load(target + j * LANES) + sum[j] : sum[j]);
}

INLINE void weightedSum(const bool adds, const REAL *weights, ptrdiff_t terms, const REAL *source, ptrdiff_t step,
                        REAL *target, ptrdiff_t count) {
  ptrdiff_t b = 0;
  for (; b + 8 * LANES <= count; b += 8 * LANES) weightedBlock(8, adds, weights, terms, source + b, step, target + b);
  if (b + 4 * LANES <= count) {
    weightedBlock(4, adds, weights, terms, source + b, step, target + b);
    b += 4 * LANES;
  }
  for (; b + LANES <= count; b += LANES) weightedBlock(1, adds, weights, terms, source + b, step, target + b);
  for (; b < count; b++) {
    REAL sum = 0;
    for (ptrdiff_t t = 0; t < terms; t++) {
#if FUSED
      sum = __builtin_elementwise_fma(weights[t], source[t * step + b], sum);
#else
      sum += weights[t] * source[t * step + b];
#endif
    }
    target[b] = adds ? target[b] + sum : sum;
  }
}

static void NAMED(weightedSet)(const REAL *weights, ptrdiff_t terms, const REAL *source, ptrdiff_t step, REAL *target,
                               ptrdiff_t count) {
  weightedSum(false, weights, terms, source, step, target, count);
}

static void NAMED(weightedAdd)(const REAL *weights, ptrdiff_t terms, const REAL *source, ptrdiff_t step, REAL *target,
                               ptrdiff_t count) {
  weightedSum(true, weights, terms, source, step, target, count);
}

const OF_TYPE(weightedTable) NAMED(ck_weighted_sum) = {NAMED(weightedSet), NAMED(weightedAdd)};
