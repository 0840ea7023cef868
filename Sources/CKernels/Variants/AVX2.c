#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx,avx2,fma"))), apply_to = function)
#define VARIANT avx2
#define VECTOR_BYTES 32
#define VECTOR_REGISTERS 16
#define FUSED 1
#include "../Bodies/Every.h"
#pragma clang attribute pop
#endif
