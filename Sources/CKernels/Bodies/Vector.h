// The vector of one element type, for the bodies that are included after it for the same REAL and TYPE. GCC's vector extensions
// are the same language for every instruction set; nothing here is an intrinsic of one.

#ifndef NAMED
#define PASTE3_(a, b, c) a##_##b##_##c
#define PASTE3(a, b, c) PASTE3_(a, b, c)
#define PASTE2_(a, b) a##_##b
#define PASTE2(a, b) PASTE2_(a, b)
// The name of a function of this variant and element type: `ck_plane_avx2_f32`.
#define NAMED(name) PASTE3(name, VARIANT, TYPE)
// The name of something private to this file and element type.
#define OF_TYPE(name) PASTE2(name, TYPE)
#define INLINE static inline __attribute__((always_inline))
#define LANES ((ptrdiff_t)(VECTOR_BYTES / sizeof(REAL)))
#define vector OF_TYPE(vector)
#define load OF_TYPE(load)
#define store OF_TYPE(store)
#define broadcast OF_TYPE(broadcast)
#define multiplyAdd OF_TYPE(multiplyAdd)
#define lanes OF_TYPE(lanes)
#define masked OF_TYPE(masked)
#endif

typedef REAL vector __attribute__((vector_size(VECTOR_BYTES)));
// What a comparison of vectors gives: all bits of a lane, or none.
typedef __typeof__((vector){} == (vector){}) lanes;

// The lanes of a mask as they are, zeros for the others.
INLINE vector masked(vector value, lanes mask) { return (vector)((lanes)value & mask); }

// Any address.
INLINE vector load(const REAL *from) {
  vector value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

// Any address.
INLINE void store(REAL *to, vector value) { __builtin_memcpy(to, &value, sizeof value); }

// Less a zero, which leaves every value as it is, −0 too, and costs nothing.
INLINE vector broadcast(REAL value) { return value - (vector){}; }

// `a · b + c`, rounded once where FUSED, else twice.
INLINE vector multiplyAdd(vector a, vector b, vector c) {
#if FUSED
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}
