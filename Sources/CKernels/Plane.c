#include "CKPlane.h"

#if defined(__x86_64__)
extern const CKPlaneF32 ck_plane_sse2_f32, ck_plane_avx2_f32, ck_plane_avx512_f32;
extern const CKPlaneF64 ck_plane_sse2_f64, ck_plane_avx2_f64, ck_plane_avx512_f64;
#elif defined(__aarch64__)
extern const CKPlaneF32 ck_plane_neon_f32;
extern const CKPlaneF64 ck_plane_neon_f64;
#endif

const CKPlaneF32 *ck_plane_f32(CKVariant variant) {
  switch (variant) {
#if defined(__x86_64__)
  case CK_AVX512:
    return &ck_plane_avx512_f32;
  case CK_AVX2:
    return &ck_plane_avx2_f32;
  default:
    return &ck_plane_sse2_f32;
#elif defined(__aarch64__)
  default:
    return &ck_plane_neon_f32;
#endif
  }
}

const CKPlaneF64 *ck_plane_f64(CKVariant variant) {
  switch (variant) {
#if defined(__x86_64__)
  case CK_AVX512:
    return &ck_plane_avx512_f64;
  case CK_AVX2:
    return &ck_plane_avx2_f64;
  default:
    return &ck_plane_sse2_f64;
#elif defined(__aarch64__)
  default:
    return &ck_plane_neon_f64;
#endif
  }
}

bool ck_plane_is_padded(const CKPlane *plane) {
  ptrdiff_t lastRow = (plane->outputHeight - 1) * plane->rowStep + (plane->filterHeight - 1) * plane->rowDilation;
  ptrdiff_t lastColumn = (plane->outputWidth - 1) * plane->columnStep + (plane->filterWidth - 1) * plane->columnDilation;
  return plane->top > 0 || plane->left > 0 || lastRow - plane->top >= plane->height ||
      lastColumn - plane->left >= plane->width;
}

bool ck_plane_is_dense(const CKPlane *plane) {
  return plane->rowStep == 1 && plane->columnStep == 1 && plane->rowDilation == 1 && plane->columnDilation == 1;
}

bool ck_plane_takes(const CKPlane *plane) {
  if (!ck_plane_is_dense(plane)) {
    // The rows that one row of 16 outputs meets. Extents are below 2³¹, and so are steps.
    ptrdiff_t rows = (plane->filterHeight - 1) * plane->rowDilation + 1;
    ptrdiff_t reach = (plane->filterWidth - 1) * plane->columnDilation;
    ptrdiff_t phases = plane->columnStep < reach + 1 ? plane->columnStep : reach + 1;
    return plane->channels == 1 && rows <= CK_PLANE_TILE && phases <= CK_PLANE_TILE &&
        reach / plane->columnStep + 16 <= CK_PLANE_TILE / phases / rows;
  }
  // A block of 4 × 64 outputs with what it meets around, and a vector behind each row.
  bool fits = (plane->filterHeight + 3) * (plane->filterWidth + 94) <= CK_PLANE_TILE;
  return fits || (plane->outputWidth >= 16 && !ck_plane_is_padded(plane));
}
