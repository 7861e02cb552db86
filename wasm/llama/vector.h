/* Four floats at a time, in GNU C vectors: SIMD128 instructions in one flavour, four scalar ones each in the other,
 * the same IEEE 754 operations in the same order in both. */
#ifndef VECTOR_H
#define VECTOR_H

#include <stdint.h>

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));

static inline f32x4 load4(const float *p) { return *(const f32x4 *)__builtin_assume_aligned(p, 16); }
static inline void store4(float *p, f32x4 v) { *(f32x4 *)__builtin_assume_aligned(p, 16) = v; }
static inline f32x4 splat4(float x) { return (f32x4){x, x, x, x}; }

/* Lane by lane a where the condition holds (all ones), b where not (zero). */
static inline f32x4 select4(i32x4 condition, f32x4 a, f32x4 b) {
    return (f32x4)((condition & (i32x4)a) | (~condition & (i32x4)b));
}

/* Within [low, high]; NaN becomes low. */
static inline f32x4 clamp4(f32x4 x, float low, float high) {
    x = select4(x > low, x, splat4(low));
    return select4(x < high, x, splat4(high));
}

/* The order in which every sum of squares and every softmax denominator is added up. */
static inline float sum4(f32x4 v) { return (v[0] + v[2]) + (v[1] + v[3]); }

/* e^x for x clamped to [-87, 88]: 2^n times a polynomial of degree 5 in the rest (Moshier's Cephes, expf.c), with
 * separate multiplications and additions. */
static inline f32x4 exp4(f32x4 x) {
    x = clamp4(x, -87.0f, 88.0f);
    f32x4 n = __builtin_elementwise_rint(x * 1.44269504088896341f);
    f32x4 r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    f32x4 p = splat4(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    i32x4 exponent = (__builtin_convertvector(n, i32x4) + 127) << 23;
    return p * (f32x4)exponent;
}

#endif
