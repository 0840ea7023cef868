#if defined(__x86_64__)
#define VARIANT sse2
#define VECTOR_BYTES 16
#define VECTOR_REGISTERS 16
#define FUSED 0
#include "../Bodies/Every.h"
#endif
