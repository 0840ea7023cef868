#if defined(__aarch64__)
#define VARIANT neon
#define VECTOR_BYTES 16
#define VECTOR_REGISTERS 32
#define FUSED 1
#include "../Bodies/Every.h"
#endif
