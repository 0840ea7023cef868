#include "CKVariant.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

bool ck_available(CKVariant variant) {
  switch (variant) {
#if defined(__x86_64__)
  case CK_SSE2:
    return true;
  case CK_AVX2:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  case CK_AVX512:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
  case CK_NEON:
    return true;
#endif
  default:
    return false;
  }
}

static const char *const names[CK_VARIANT_COUNT] = {"sse2", "avx2", "avx512", "neon"};

const char *ck_name(CKVariant variant) { return names[variant]; }

static CKVariant preferred(void) {
  const char *wanted = getenv("CONVCHECK_KERNELS");
  CKVariant newest = CK_SSE2;
  for (int variant = 0; variant < CK_VARIANT_COUNT; variant++) {
    if (!ck_available((CKVariant)variant)) continue;
    if (wanted && strcmp(wanted, names[variant]) == 0) return (CKVariant)variant;
    newest = (CKVariant)variant;
  }
  return newest;
}

// The chosen variant plus one; 0 before the first question. Threads that ask first at once find the same answer.
static _Atomic int selection;

CKVariant ck_selected(void) {
  int chosen = atomic_load_explicit(&selection, memory_order_relaxed);
  if (chosen == 0) {
    chosen = (int)preferred() + 1;
    atomic_store_explicit(&selection, chosen, memory_order_relaxed);
  }
  return (CKVariant)(chosen - 1);
}

void ck_select(CKVariant variant) { atomic_store_explicit(&selection, (int)variant + 1, memory_order_relaxed); }
