// One look at blocks of a result (see CKScreen.h), for REAL = double, behind Reference.h. Every operation rounds by itself, as it does
// where elements are judged one by one: what is quiet does not depend on the variant.

typedef uint32_t PASTE3(narrowCount, VARIANT, f32) __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef uint64_t PASTE3(count, VARIANT, f64) __attribute__((vector_size(VECTOR_BYTES)));
#define NARROW_COUNT PASTE3(narrowCount, VARIANT, f32)
#define COUNT PASTE3(count, VARIANT, f64)

// The places of numbers, given as bits, among the representable ones: they grow with the number, and both zeros stand at 0.
INLINE NARROW_COUNT places_f32(NARROW_BITS bits) {
  const NARROW_COUNT sign = (NARROW_COUNT)(bits >> 31);
  return ((NARROW_COUNT)(bits & INT32_MAX) ^ sign) - sign;
}

INLINE COUNT places_f64(BITS bits) {
  const COUNT sign = (COUNT)(bits >> 63);
  return ((COUNT)(bits & INT64_MAX) ^ sign) - sign;
}

// Whether places lie at most `limit` apart. Their difference may wrap; its magnitude, read without a sign, does not.
INLINE NARROW_BITS lieWithin_f32(uint64_t limit, NARROW_COUNT a, NARROW_COUNT b) {
  const NARROW_COUNT negative = (NARROW_COUNT)((NARROW_BITS)a < (NARROW_BITS)b);
  return (NARROW_BITS)((((a - b) ^ negative) - negative) <= (NARROW_COUNT){} + (uint32_t)limit);
}

INLINE BITS lieWithin_f64(uint64_t limit, COUNT a, COUNT b) {
  const COUNT negative = (COUNT)((BITS)a < (BITS)b);
  return (BITS)((((a - b) ^ negative) - negative) <= (COUNT){} + limit);
}

INLINE BITS isWithin(CKThreshold threshold, WIDE distance, WIDE bounds) {
#pragma STDC FP_CONTRACT OFF
  return (BITS)(distance <= threshold.largest) & (BITS)(distance <= threshold.factor * bounds);
}

// What the result may err by, and the direct result.
typedef struct PASTE2(bounds, VARIANT) {
  WIDE own, direct;
  BITS finite;
} PASTE2(bounds, VARIANT);

INLINE PASTE2(bounds, VARIANT) boundsAt(const CKScreen *s, WIDE sums, const double *elementwise, ptrdiff_t at) {
#pragma STDC FP_CONTRACT OFF
  const WIDE direct = s->boundRelative * sums + s->boundAbsolute;
  if (!elementwise) return (PASTE2(bounds, VARIANT)){direct, direct, (BITS){} - 1};
  const WIDE own = (load(elementwise + at) + (s->referenceRelative * sums + s->referenceAbsolute)) * s->outward;
  return (PASTE2(bounds, VARIANT)){own, direct, (BITS)(own < __builtin_inf())};
}

static ptrdiff_t PASTE3(screen, VARIANT, f32)(const CKScreen *screen, const float *result, const float *direct,
                                              const double *value, const double *absolute,
                                              const double *elementwise, ptrdiff_t count, CKIdentical *identical) {
#pragma STDC FP_CONTRACT OFF
  enum { PARTS = CK_SCREEN_BLOCK / (VECTOR_BYTES / sizeof(double)) };
  const CKScreen s = *screen;
  uint64_t toReference = 0, toDirect = 0;
  ptrdiff_t done = 0;
  for (; done + CK_SCREEN_BLOCK <= count; done += CK_SCREEN_BLOCK) {
    NARROW_BITS quiet = (NARROW_BITS){} - 1, same = {}, sameDirect = {};
#pragma clang loop unroll(full)
    for (int part = 0; part < PARTS; part++) {
      const ptrdiff_t at = done + part * WIDE_LANES;
      const WIDE reference = load(value + at), sums = load(absolute + at), y = widened(result + at);
      const PASTE2(bounds, VARIANT) bounds = boundsAt(&s, sums, elementwise, at);
      BITS all = (BITS)(sums < s.most) & bounds.finite & isWithin(s.error, magnitude(y - reference), bounds.own);
      const WIDE radii = (WIDE)((BITS)(s.radiusRelative * sums) & ~(BITS)(sums < s.exactBelow));
      const NARROW_BITS low = (NARROW_BITS)__builtin_convertvector(reference - radii, NARROW);
      const NARROW_BITS rounded = (NARROW_BITS)__builtin_convertvector(reference + radii, NARROW);
      NARROW_BITS bits;
      __builtin_memcpy(&bits, result + at, sizeof bits);
      NARROW_BITS near = (NARROW_BITS)(low == rounded) & lieWithin_f32(s.error.ulp, places_f32(bits), places_f32(rounded));
      same -= (NARROW_BITS)(bits == rounded);
      if (direct) {
        NARROW_BITS others;
        __builtin_memcpy(&others, direct + at, sizeof others);
        all &= isWithin(s.distance, magnitude(y - widened(direct + at)), bounds.own + bounds.direct);
        near &= lieWithin_f32(s.distance.ulp, places_f32(bits), places_f32(others));
        sameDirect -= (NARROW_BITS)(bits == others);
      }
      quiet &= near & __builtin_convertvector(all, NARROW_BITS);
    }
    if (__builtin_reduce_and(quiet) == 0) break;
    toReference += (uint32_t)__builtin_reduce_add(same);
    toDirect += direct ? (uint32_t)__builtin_reduce_add(sameDirect) : CK_SCREEN_BLOCK;
  }
  identical->toReference += toReference;
  identical->toDirect += toDirect;
  return done;
}

static ptrdiff_t PASTE3(screen, VARIANT, f64)(const CKScreen *screen, const double *result, const double *direct,
                                              const double *value, const double *tail, const double *absolute,
                                              const double *elementwise, ptrdiff_t count, CKIdentical *identical) {
#pragma STDC FP_CONTRACT OFF
  enum { PARTS = CK_SCREEN_BLOCK / (VECTOR_BYTES / sizeof(double)) };
  const CKScreen s = *screen;
  uint64_t toReference = 0, toDirect = 0;
  ptrdiff_t done = 0;
  for (; done + CK_SCREEN_BLOCK <= count; done += CK_SCREEN_BLOCK) {
    BITS quiet = (BITS){} - 1, same = {}, sameDirect = {};
#pragma clang loop unroll(full)
    for (int part = 0; part < PARTS; part++) {
      const ptrdiff_t at = done + part * WIDE_LANES;
      const WIDE leading = load(value + at), lost = load(tail + at), sums = load(absolute + at), y = load(result + at);
      const PASTE2(bounds, VARIANT) bounds = boundsAt(&s, sums, elementwise, at);
      quiet &= (BITS)(sums < s.most) & bounds.finite &
          isWithin(s.error, magnitude((y - leading) - lost), bounds.own);
      // The exact value lies within `radii` of `total + rest`, which is exact (TwoSum); see CorrectRounding.
      const WIDE errors = (WIDE)((BITS)(s.radiusRelative * sums + s.radiusAbsolute) & ~(BITS)(sums < s.exactBelow));
      const WIDE total = leading + lost;
      const WIDE piece = total - leading;
      const WIDE rest = (leading - (total - piece)) + (lost - piece);
      const WIDE radii =
          (WIDE)((BITS)(errors * (1 + 0x1p-50) + magnitude(rest) * 0x1p-52) & ~(BITS)(errors == 0));
      const BITS low = (BITS)(total + (rest - radii));
      const WIDE high = total + (rest + radii);
      const BITS rounded = (BITS)high, bits = (BITS)y;
      quiet &= (BITS)(low == rounded) & (BITS)((high - high) == 0) &
          lieWithin_f64(s.error.ulp, places_f64(bits), places_f64(rounded));
      same -= (BITS)(bits == rounded);
      if (direct) {
        const WIDE z = load(direct + at);
        quiet &= isWithin(s.distance, magnitude(y - z), bounds.own + bounds.direct) &
            lieWithin_f64(s.distance.ulp, places_f64(bits), places_f64((BITS)z));
        sameDirect -= (BITS)(bits == (BITS)z);
      }
    }
    if (__builtin_reduce_and(quiet) == 0) break;
    toReference += (uint64_t)__builtin_reduce_add(same);
    toDirect += direct ? (uint64_t)__builtin_reduce_add(sameDirect) : CK_SCREEN_BLOCK;
  }
  identical->toReference += toReference;
  identical->toDirect += toDirect;
  return done;
}

const CKScreenF32 PASTE3(ck_screen, VARIANT, f32) = PASTE3(screen, VARIANT, f32);
const CKScreenF64 PASTE3(ck_screen, VARIANT, f64) = PASTE3(screen, VARIANT, f64);
