// Loops that run at the limits of the processor, to measure those limits with.
#ifndef CK_LIMITS_H
#define CK_LIMITS_H
#include "CKVariant.h"
#include <stddef.h>

// One element type's loops of one variant.
typedef struct CKLimitsF32 {
  // Elements of `multiplyAdds`, and multiply-adds of one round of it.
  ptrdiff_t chained;
  // What the counts of the others must be a multiple of.
  ptrdiff_t unit;
  // `rounds` multiply-adds on each of the `chained` numbers, as many at once as the processor can.
  void (*multiplyAdds)(float *numbers, ptrdiff_t rounds);
  // The sum of `count` elements, in no particular order, `passes` times over.
  float (*read)(const float *from, ptrdiff_t count, ptrdiff_t passes);
  // Copies `count` elements, `passes` times, between arrays that do not overlap and are aligned to 64 bytes.
  void (*copy)(const float *from, float *to, ptrdiff_t count, ptrdiff_t passes);
  // The same, past the caches.
  void (*stream)(const float *from, float *to, ptrdiff_t count, ptrdiff_t passes);
} CKLimitsF32;

typedef struct CKLimitsF64 {
  ptrdiff_t chained;
  ptrdiff_t unit;
  void (*multiplyAdds)(double *numbers, ptrdiff_t rounds);
  double (*read)(const double *from, ptrdiff_t count, ptrdiff_t passes);
  void (*copy)(const double *from, double *to, ptrdiff_t count, ptrdiff_t passes);
  void (*stream)(const double *from, double *to, ptrdiff_t count, ptrdiff_t passes);
} CKLimitsF64;

// The loops of `variant`, which must be available.
const CKLimitsF32 *ck_limits_f32(CKVariant variant);
const CKLimitsF64 *ck_limits_f64(CKVariant variant);
#endif
