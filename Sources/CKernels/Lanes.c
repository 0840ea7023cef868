#include "CKLanes.h"

#if defined(__x86_64__)
extern const CKLanesF32 ck_lanes_sse2_f32, ck_lanes_avx2_f32, ck_lanes_avx512_f32;
extern const CKLanesF64 ck_lanes_sse2_f64, ck_lanes_avx2_f64, ck_lanes_avx512_f64;

const CKLanesF32 *ck_lanes_f32(CKVariant variant) {
  if (variant == CK_AVX512) return &ck_lanes_avx512_f32;
  return variant == CK_AVX2 ? &ck_lanes_avx2_f32 : &ck_lanes_sse2_f32;
}

const CKLanesF64 *ck_lanes_f64(CKVariant variant) {
  if (variant == CK_AVX512) return &ck_lanes_avx512_f64;
  return variant == CK_AVX2 ? &ck_lanes_avx2_f64 : &ck_lanes_sse2_f64;
}
#elif defined(__aarch64__)
extern const CKLanesF32 ck_lanes_neon_f32;
extern const CKLanesF64 ck_lanes_neon_f64;

const CKLanesF32 *ck_lanes_f32(__attribute__((unused)) CKVariant variant) { return &ck_lanes_neon_f32; }

const CKLanesF64 *ck_lanes_f64(__attribute__((unused)) CKVariant variant) { return &ck_lanes_neon_f64; }
#endif
