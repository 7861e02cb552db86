/* The SIMD128 kernel: sixteen rows at a time, "nested" 8-bit weights.
 *
 * One 16-byte load holds four rows of four columns; as 16-bit lanes, two for each row:
 *
 *     lane     0         1       |  2         3       |  ...  four rows
 *     row            r           |        r + 1       |
 *     column   c0 | c1   c2 | c3 |  c0 | c1   c2 | c3 |
 *
 * A lane of a first byte w0 + 128 (unsigned) and a second byte w1 (signed) has the value (w0 + 128) + 256 * w1.
 * i32x4.dot_i16x8_s multiplies lanes with activations and adds the two lanes of a row:
 *
 *     dot(lane,      x0)            = sum of (w0 + 128) * x0 + 256 * w1 * x0
 *     dot(lane >> 8, x1 - 256 * x0) = sum of w1 * x1 - 256 * w1 * x0
 *
 * The sum of both is w0 * x0 + w1 * x1 + 128 * x0: five instructions for 16 products, and the last term, the same
 * for all rows, is what the accumulators begin with, negated. Nothing overflows that does not wrap back:
 * |x1 - 256 * x0| <= 127 + 256 * 127 < 32768. Reference: `multiply` in fontgen/reference/model.py. */
#include <wasm_simd128.h>

#include "matmul.h"
#include "quantise.h"

/* For each quad of columns: (x0, x2) four times, then (x1 - 256 * x0, x3 - 256 * x2) four times. */
struct packed_quad {
    v128_t even, odd;
};

uint32_t packed_size(uint32_t n) { return (n + 3) / 4 * sizeof(struct packed_quad); }

void quantise_activations(struct activations *out, const float *x, uint32_t n) {
    struct quantiser quantiser = choose_scale(x, n);
    struct packed_quad *packed = out->packed;
    int32_t sum = 0;
    for (uint32_t i = 0; i < n; i += 4) {
        i32x4 four = quantise4(&quantiser, x, i, n);
        int32_t x0 = four[0], x1 = four[1] - 256 * four[0];
        int32_t x2 = four[2], x3 = four[3] - 256 * four[2];
        packed[i / 4].even = wasm_i32x4_splat((x0 & 0xFFFF) | x2 << 16);
        packed[i / 4].odd = wasm_i32x4_splat((x1 & 0xFFFF) | x3 << 16);
        sum += x0 + x2;
    }
    out->scale = quantiser.scale;
    out->offset = -128 * sum;
}

static inline v128_t multiply_add(v128_t sums, v128_t lanes, const struct packed_quad *x) {
    sums = wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(lanes, x->even));
    return wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(wasm_i16x8_shr(lanes, 8), x->odd));
}

static inline void store_scaled(float *out, v128_t sums, const float *row_scales, float scale) {
    v128_t scales = wasm_f32x4_mul(wasm_v128_load(row_scales), wasm_f32x4_splat(scale));
    wasm_v128_store(out, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(sums), scales));
}

void multiply(float *out, const struct matrix *matrix, const struct activations *x) {
    const v128_t *w = (const v128_t *)matrix->weights;
    for (uint32_t row = 0; row < matrix->rows; row += BLOCK_ROWS) {
        const struct packed_quad *quad = x->packed, *end = quad + matrix->quads;
        v128_t sums0 = wasm_i32x4_splat(x->offset), sums1 = sums0, sums2 = sums0, sums3 = sums0;
#pragma clang loop unroll_count(1)
        for (; quad < end; quad++, w += 4) {
            sums0 = multiply_add(sums0, w[0], quad);
            sums1 = multiply_add(sums1, w[1], quad);
            sums2 = multiply_add(sums2, w[2], quad);
            sums3 = multiply_add(sums3, w[3], quad);
            /* Without this LLVM hoists loads and the host's compiler then spills: half the speed. */
            __asm__ volatile("" ::: "memory");
        }
        const float *scales = matrix->scales + row;
        store_scaled(out + row, sums0, scales, x->scale);
        store_scaled(out + row + 4, sums1, scales + 4, x->scale);
        store_scaled(out + row + 8, sums2, scales + 8, x->scale);
        store_scaled(out + row + 12, sums3, scales + 12, x->scale);
    }
}
