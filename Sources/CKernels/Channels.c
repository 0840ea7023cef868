#include "CKChannels.h"

#if defined(__x86_64__)
extern const CKChannelsF32 ck_channels_sse2_f32, ck_channels_avx2_f32, ck_channels_avx512_f32;
extern const CKChannelsF64 ck_channels_sse2_f64, ck_channels_avx2_f64, ck_channels_avx512_f64;

const CKChannelsF32 *ck_channels_f32(CKVariant variant) {
  if (variant == CK_AVX512) return &ck_channels_avx512_f32;
  return variant == CK_AVX2 ? &ck_channels_avx2_f32 : &ck_channels_sse2_f32;
}

const CKChannelsF64 *ck_channels_f64(CKVariant variant) {
  if (variant == CK_AVX512) return &ck_channels_avx512_f64;
  return variant == CK_AVX2 ? &ck_channels_avx2_f64 : &ck_channels_sse2_f64;
}
#elif defined(__aarch64__)
extern const CKChannelsF32 ck_channels_neon_f32;
extern const CKChannelsF64 ck_channels_neon_f64;

const CKChannelsF32 *ck_channels_f32(__attribute__((unused)) CKVariant variant) { return &ck_channels_neon_f32; }

const CKChannelsF64 *ck_channels_f64(__attribute__((unused)) CKVariant variant) { return &ck_channels_neon_f64; }
#endif
