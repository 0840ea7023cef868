#if defined(__x86_64__)
#pragma clang attribute push( \
    __attribute__((target("avx,avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define VARIANT avx512
#define VECTOR_BYTES 64
#define VECTOR_REGISTERS 32
#define FUSED 1
#include "../Bodies/Every.h"
#pragma clang attribute pop
#endif
