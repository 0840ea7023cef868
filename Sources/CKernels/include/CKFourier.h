// Two-dimensional transforms of real blocks, as the Swift `FourierTransform` says: which spectrum stands where, and in which order
// sums and products with roots are formed.
#ifndef CK_FOURIER_H
#define CK_FOURIER_H
#include <stddef.h>
#include "CKVariant.h"

// The lengths of a block's transforms and their tables. `half` is half the rows, at least 2, `width` the columns, both powers of
// two, `width` at least `lanes`. A block has rows of `blockPitch` numbers, `half + 1` of even rows, then as many of odd
// ones; a spectrum has `width` rows of `pitch` real parts, then as many imaginary ones. Both pitches are multiples of `lanes`.
// Of roots there are, for each stage, those of `FourierStages`; `separateRoots` are `W^k` for 0 < k < half/2.
#define CK_FOURIER_PLAN(REAL) \
  { \
    ptrdiff_t half, width, blockPitch, pitch; \
    const REAL *downRoots, *alongRoots, *separateRoots; \
    const ptrdiff_t *places; \
  }
typedef struct CKFourierPlanF32 CK_FOURIER_PLAN(float) CKFourierPlanF32;
typedef struct CKFourierPlanF64 CK_FOURIER_PLAN(double) CKFourierPlanF64;

// `forward` writes the spectrum of a block whose columns from `columns` on are zeros, and destroys the block.
// `inverse` writes the block whose spectrum is the sum of `terms` products of a spectrum of `spectra` (one after the other) with
// one of `filters` (`filterStep` numbers apart), those conjugate where `sign` is −1. Only its first `columns` columns are of use
// afterwards; `scratch` has room for 2·width·lanes numbers.
// `filterCount` is one spectrum's numbers, 2·width·pitch.
#define CK_FOURIER(REAL, PLAN) \
  { \
    ptrdiff_t lanes; \
    void (*forward)(const PLAN *plan, REAL *block, ptrdiff_t columns, REAL *spectrum); \
    void (*inverse)(const PLAN *plan, const REAL *spectra, const REAL *filters, ptrdiff_t filterStep, ptrdiff_t terms, \
                    REAL sign, REAL *block, REAL *scratch); \
  }
typedef struct CKFourierF32 CK_FOURIER(float, CKFourierPlanF32) CKFourierF32;
typedef struct CKFourierF64 CK_FOURIER(double, CKFourierPlanF64) CKFourierF64;

const CKFourierF32 *ck_fourier_f32(CKVariant variant);
const CKFourierF64 *ck_fourier_f64(CKVariant variant);
#endif
