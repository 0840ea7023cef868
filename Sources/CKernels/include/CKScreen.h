// One look at many elements of a result: which blocks of them hold nothing that is not known already.
#ifndef CK_SCREEN_H
#define CK_SCREEN_H
#include <stddef.h>
#include <stdint.h>
#include "CKVariant.h"

// The elements looked at together.
enum { CK_SCREEN_BLOCK = 8 };

// What a distance must not exceed: itself, its ratio to the bound, and in units of the format.
typedef struct CKThreshold {
  double largest, factor;
  uint64_t ulp;
} CKThreshold;

// An element is quiet where the sum of magnitudes `S` is below `most`; its distance from the reference does not exceed the first
// threshold with its bound, nor that from the direct result the second one with the sum of both bounds; and the exact value, within
// `radiusRelative·S + radiusAbsolute` of the reference (within nothing where `S` is below `exactBelow`), rounds to one number of
// the format. The direct result's bound is `boundRelative·S + boundAbsolute`; the result's is the same where `elementwise` is null,
// else `(elementwise[i] + referenceRelative·S + referenceAbsolute)·outward`, and must be finite.
typedef struct CKScreen {
  double most, boundRelative, boundAbsolute, radiusRelative, radiusAbsolute, exactBelow;
  double referenceRelative, referenceAbsolute, outward;
  CKThreshold error, distance;
} CKScreen;

// Elements that are the same bits as the rounded exact value, and as the direct result; counted on.
typedef struct CKIdentical {
  uint64_t toReference, toDirect;
} CKIdentical;

// How many elements, from the first on and in whole blocks, are quiet; the identical ones among them are counted. `direct` is null
// where the result is compared with itself. `count` elements stand behind each pointer that is not null, of which whole blocks are
// looked at.
typedef ptrdiff_t (*CKScreenF32)(const CKScreen *screen, const float *result, const float *direct, const double *value,
                                 const double *absolute, const double *elementwise, ptrdiff_t count, CKIdentical *identical);
typedef ptrdiff_t (*CKScreenF64)(const CKScreen *screen, const double *result, const double *direct, const double *value,
                                 const double *tail, const double *absolute, const double *elementwise, ptrdiff_t count,
                                 CKIdentical *identical);

CKScreenF32 ck_screen_f32(CKVariant variant);
CKScreenF64 ck_screen_f64(CKVariant variant);
#endif
