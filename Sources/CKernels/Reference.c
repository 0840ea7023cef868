#include "CKReference.h"

#if defined(__x86_64__)
extern const CKReferenceF32 ck_reference_sse2_f32, ck_reference_avx2_f32, ck_reference_avx512_f32;
extern const CKReferenceF64 ck_reference_sse2_f64, ck_reference_avx2_f64, ck_reference_avx512_f64;
#elif defined(__aarch64__)
extern const CKReferenceF32 ck_reference_neon_f32;
extern const CKReferenceF64 ck_reference_neon_f64;
#endif

const CKReferenceF32 *ck_reference_f32(CKVariant variant) {
  switch (variant) {
#if defined(__x86_64__)
  case CK_SSE2: return &ck_reference_sse2_f32;
  case CK_AVX2: return &ck_reference_avx2_f32;
  case CK_AVX512: return &ck_reference_avx512_f32;
#elif defined(__aarch64__)
  case CK_NEON: return &ck_reference_neon_f32;
#endif
  default: return 0;
  }
}

const CKReferenceF64 *ck_reference_f64(CKVariant variant) {
  switch (variant) {
#if defined(__x86_64__)
  case CK_SSE2: return &ck_reference_sse2_f64;
  case CK_AVX2: return &ck_reference_avx2_f64;
  case CK_AVX512: return &ck_reference_avx512_f64;
#elif defined(__aarch64__)
  case CK_NEON: return &ck_reference_neon_f64;
#endif
  default: return 0;
  }
}
