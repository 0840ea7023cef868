#include "CKFilterGradient.h"

#if defined(__x86_64__)
extern const CKFilterGradientF32 ck_filter_gradient_sse2_f32, ck_filter_gradient_avx2_f32, ck_filter_gradient_avx512_f32;
extern const CKFilterGradientF64 ck_filter_gradient_sse2_f64, ck_filter_gradient_avx2_f64, ck_filter_gradient_avx512_f64;

const CKFilterGradientF32 *ck_filter_gradient_f32(CKVariant variant) {
  if (variant == CK_AVX512) return &ck_filter_gradient_avx512_f32;
  return variant == CK_AVX2 ? &ck_filter_gradient_avx2_f32 : &ck_filter_gradient_sse2_f32;
}

const CKFilterGradientF64 *ck_filter_gradient_f64(CKVariant variant) {
  if (variant == CK_AVX512) return &ck_filter_gradient_avx512_f64;
  return variant == CK_AVX2 ? &ck_filter_gradient_avx2_f64 : &ck_filter_gradient_sse2_f64;
}
#elif defined(__aarch64__)
extern const CKFilterGradientF32 ck_filter_gradient_neon_f32;
extern const CKFilterGradientF64 ck_filter_gradient_neon_f64;

const CKFilterGradientF32 *ck_filter_gradient_f32(__attribute__((unused)) CKVariant variant) { return &ck_filter_gradient_neon_f32; }

const CKFilterGradientF64 *ck_filter_gradient_f64(__attribute__((unused)) CKVariant variant) { return &ck_filter_gradient_neon_f64; }
#endif
