#include "CKLimits.h"

#if defined(__x86_64__)
extern const CKLimitsF32 ck_limits_sse2_f32, ck_limits_avx2_f32, ck_limits_avx512_f32;
extern const CKLimitsF64 ck_limits_sse2_f64, ck_limits_avx2_f64, ck_limits_avx512_f64;
#elif defined(__aarch64__)
extern const CKLimitsF32 ck_limits_neon_f32;
extern const CKLimitsF64 ck_limits_neon_f64;
#endif

const CKLimitsF32 *ck_limits_f32(CKVariant variant) {
  switch (variant) {
#if defined(__x86_64__)
  case CK_AVX512:
    return &ck_limits_avx512_f32;
  case CK_AVX2:
    return &ck_limits_avx2_f32;
  default:
    return &ck_limits_sse2_f32;
#elif defined(__aarch64__)
  default:
    return &ck_limits_neon_f32;
#endif
  }
}

const CKLimitsF64 *ck_limits_f64(CKVariant variant) {
  switch (variant) {
#if defined(__x86_64__)
  case CK_AVX512:
    return &ck_limits_avx512_f64;
  case CK_AVX2:
    return &ck_limits_avx2_f64;
  default:
    return &ck_limits_sse2_f64;
#elif defined(__aarch64__)
  default:
    return &ck_limits_neon_f64;
#endif
  }
}
