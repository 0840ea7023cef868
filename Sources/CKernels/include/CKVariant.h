// Which instruction sets the kernels were compiled for, and which of them this processor has.
#ifndef CK_VARIANT_H
#define CK_VARIANT_H
#include <stdbool.h>

// From the oldest to the newest; those of other architectures are listed too, and are not available here.
typedef enum CKVariant {
  CK_SSE2,
  CK_AVX2,    // with FMA
  CK_AVX512,  // F, BW, DQ and VL
  CK_NEON,
} CKVariant;

enum { CK_VARIANT_COUNT = CK_NEON + 1 };

// Whether the kernels were compiled for `variant`, and this processor and its operating system can run them.
bool ck_available(CKVariant variant);

// "sse2", "avx2", "avx512" or "neon".
const char *ck_name(CKVariant variant);

// The variant in use: the one that was chosen last, else the one that the environment variable CONVCHECK_KERNELS names where it is
// available, else the newest available one.
CKVariant ck_selected(void);

// Has every kernel asked for from now on be of `variant`, which must be available. Not meant for a process that computes already.
void ck_select(CKVariant variant);
#endif
