/* float16 (IEEE 754), for keys and values: WebAssembly has no instructions for it. As `to_half_and_back` in
 * fontgen/llama/reference/numpy_model.py. */
#ifndef HALF_H
#define HALF_H

#include "vector.h"

typedef int16_t i16x4 __attribute__((vector_size(8)));

#define LARGEST_HALF 65504.0f

/* Rounds to nearest, ties to even; larger magnitudes become the largest finite one, NaN the least. */
static inline uint16_t half_of(float x) {
    x = x > -LARGEST_HALF ? x : -LARGEST_HALF;
    x = x < LARGEST_HALF ? x : LARGEST_HALF;
    union {
        float value;
        uint32_t bits;
    } u = {x};
    uint32_t sign = u.bits >> 16 & 0x8000;
    u.bits &= 0x7FFFFFFF;
    if (u.bits < 0x38800000) { /* below 2^-14: the sum with 0.5 has the steps of subnormal halves */
        u.value += 0.5f;
        return (uint16_t)(sign | (u.bits - 0x3F000000));
    }
    u.bits += 0xFFF + (u.bits >> 13 & 1);
    return (uint16_t)(sign | (u.bits - 0x38000000) >> 13);
}

/* Four halves as floats: their bits in a float's places, times 2^112 for the difference of the exponents' biases, which
 * makes subnormal ones right, too. */
static inline f32x4 load_half4(const uint16_t *p) {
    i16x4 halves = *(const i16x4 *)__builtin_assume_aligned(p, 8);
    i32x4 bits = __builtin_convertvector(halves, i32x4) << 13 & (int32_t)0x8FFFFFFF; /* but for copies of the sign */
    return (f32x4)bits * 0x1p112f;
}

#endif
