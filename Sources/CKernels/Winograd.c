#include "CKWinograd.h"

#if defined(__x86_64__)
extern const CKWinogradF32 ck_winograd_sse2_f32, ck_winograd_avx2_f32, ck_winograd_avx512_f32;
extern const CKWinogradF64 ck_winograd_sse2_f64, ck_winograd_avx2_f64, ck_winograd_avx512_f64;

const CKWinogradF32 *ck_winograd_f32(CKVariant variant) {
  if (variant == CK_AVX512) return &ck_winograd_avx512_f32;
  return variant == CK_AVX2 ? &ck_winograd_avx2_f32 : &ck_winograd_sse2_f32;
}

const CKWinogradF64 *ck_winograd_f64(CKVariant variant) {
  if (variant == CK_AVX512) return &ck_winograd_avx512_f64;
  return variant == CK_AVX2 ? &ck_winograd_avx2_f64 : &ck_winograd_sse2_f64;
}
#elif defined(__aarch64__)
extern const CKWinogradF32 ck_winograd_neon_f32;
extern const CKWinogradF64 ck_winograd_neon_f64;

const CKWinogradF32 *ck_winograd_f32(__attribute__((unused)) CKVariant variant) { return &ck_winograd_neon_f32; }

const CKWinogradF64 *ck_winograd_f64(__attribute__((unused)) CKVariant variant) { return &ck_winograd_neon_f64; }
#endif
