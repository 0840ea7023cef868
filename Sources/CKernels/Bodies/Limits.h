// What the processor can do at most with vectors of this width: the loops that other kernels are measured against. They compute
// nothing that anybody wants.

// Enough chains to hide the latency of a multiplication and an addition one after the other, and few enough for the registers of
// every variant.
#define CHAINS 12

// `rounds` times one multiply-add on each of CHAINS vectors, independent of each other. `numbers` has CHAINS · LANES elements,
// which are read first and written last.
static void OF_TYPE(multiplyAddChains)(REAL *numbers, ptrdiff_t rounds) {
  vector sums[CHAINS];
  for (int chain = 0; chain < CHAINS; chain++) sums[chain] = load(numbers + chain * LANES);
  // Towards 2, so that no number grows, and none becomes one that is slow to compute with.
  const vector half = broadcast((REAL)0.5), one = broadcast(1);
  for (ptrdiff_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
    for (int chain = 0; chain < CHAINS; chain++) sums[chain] = multiplyAdd(sums[chain], half, one);
  }
  for (int chain = 0; chain < CHAINS; chain++) store(numbers + chain * LANES, sums[chain]);
}

// Vectors read before the first of them is needed.
#define AHEAD 8

// The sum of `count` elements, a multiple of AHEAD · LANES, in no particular order, `passes` times over.
static REAL OF_TYPE(readAll)(const REAL *from, ptrdiff_t count, ptrdiff_t passes) {
  vector sums[AHEAD] = {};
  for (ptrdiff_t pass = 0; pass < passes; pass++) {
    for (ptrdiff_t index = 0; index < count; index += AHEAD * LANES) {
#pragma clang loop unroll(full)
      for (int ahead = 0; ahead < AHEAD; ahead++) sums[ahead] += load(from + index + ahead * LANES);
    }
  }
  REAL sum = 0;
  for (int ahead = 0; ahead < AHEAD; ahead++)
    for (int lane = 0; lane < LANES; lane++) sum += sums[ahead][lane];
  return sum;
}

// Copies `count` elements, a multiple of AHEAD · LANES, `passes` times between arrays that do not overlap.
static void OF_TYPE(copyAll)(const REAL *from, REAL *to, ptrdiff_t count, ptrdiff_t passes) {
  for (ptrdiff_t pass = 0; pass < passes; pass++) {
    for (ptrdiff_t index = 0; index < count; index += AHEAD * LANES) {
      vector values[AHEAD];
#pragma clang loop unroll(full)
      for (int ahead = 0; ahead < AHEAD; ahead++) values[ahead] = load(from + index + ahead * LANES);
#pragma clang loop unroll(full)
      for (int ahead = 0; ahead < AHEAD; ahead++) store(to + index + ahead * LANES, values[ahead]);
    }
  }
}

// The same with stores that go past the caches, to an array that is aligned to VECTOR_BYTES.
static void OF_TYPE(streamAll)(const REAL *from, REAL *to, ptrdiff_t count, ptrdiff_t passes) {
  for (ptrdiff_t pass = 0; pass < passes; pass++) {
    for (ptrdiff_t index = 0; index < count; index += AHEAD * LANES) {
      vector values[AHEAD];
#pragma clang loop unroll(full)
      for (int ahead = 0; ahead < AHEAD; ahead++) values[ahead] = load(from + index + ahead * LANES);
#pragma clang loop unroll(full)
      for (int ahead = 0; ahead < AHEAD; ahead++)
        __builtin_nontemporal_store(values[ahead], (vector *)(to + index + ahead * LANES));
    }
  }
}

// Of the type that `ck_limits_TYPE` hands out.
const __typeof__(*OF_TYPE(ck_limits)(CK_SSE2)) NAMED(ck_limits) = {
    .chained = CHAINS * LANES,
    .unit = AHEAD * LANES,
    .multiplyAdds = OF_TYPE(multiplyAddChains),
    .read = OF_TYPE(readAll),
    .copy = OF_TYPE(copyAll),
    .stream = OF_TYPE(streamAll),
};

#undef CHAINS
#undef AHEAD
