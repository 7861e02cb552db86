/* The SIMD128 kernels: sixteen rows at a time, "nested" weights.
 *
 * At 8 bits one 16-byte load holds four rows of four columns; as 16-bit lanes, two for each row:
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
 * |x1 - 256 * x0| <= 127 + 256 * 127 < 32768.
 *
 * At 4 bits a lane nests four columns, lane = (w0 + 8) + 16 * (w1 + 8) + 256 * (w2 + 8) + 4096 * w3, and four such
 * dot products, of lane >> 0, 4, 8, 12 with x0, x1 - 16 * x0, x2 - 16 * x1, x3 - 16 * x2, add up to theirs:
 *
 *     lane     0                  1                  |  ...  four rows
 *     column   c0 | c1 | c2 | c3  c4 | c5 | c6 | c7  |
 *
 * A group's sum is multiplied by its group scale, an integer, so that everything stays exact. Reference: `matmul`
 * in fontgen/llama/reference/numpy_model.py. */
#include <wasm_simd128.h>

#include "matmul_kernels.h"
#include "quantise.h"

/* What multiplies one unit of a row, four times for four rows. 8 bits use the first two of `x`. */
typedef v128_t packed8[2];
typedef v128_t packed4[4];

uint64_t packed_size(uint32_t n) { return ((uint64_t)n + 7) / 8 * sizeof(packed4); }

static v128_t pair(int32_t first, int32_t second) { return wasm_i32x4_splat((first & 0xFFFF) | second << 16); }

void quantise_activations(struct activations *out, const float *x, const struct matrix *matrix) {
    uint32_t n = matrix->columns;
    struct quantiser quantiser = choose_scale(x, n);
    out->scale = quantiser.scale;
    for (uint32_t group = 0; group < matrix->groups; group++) out->offsets[group] = 0;
    for (uint32_t unit = 0; unit < matrix->units; unit++) {
        int32_t *offset = &out->offsets[unit / matrix->group_units];
        if (matrix->bits == 8) {
            i32x4 a = quantise4(&quantiser, x, 4 * unit, n);
            v128_t *packed = ((packed8 *)out->packed)[unit];
            packed[0] = pair(a[0], a[2]);
            packed[1] = pair(a[1] - 256 * a[0], a[3] - 256 * a[2]);
            *offset -= 128 * (a[0] + a[2]);
        } else {
            i32x4 a = quantise4(&quantiser, x, 8 * unit, n), b = quantise4(&quantiser, x, 8 * unit + 4, n);
            v128_t *packed = ((packed4 *)out->packed)[unit];
            packed[0] = pair(a[0], b[0]);
            for (int i = 1; i < 4; i++) packed[i] = pair(a[i] - 16 * a[i - 1], b[i] - 16 * b[i - 1]);
            *offset -= 8 * (a[0] + a[1] + a[2] + b[0] + b[1] + b[2]);
        }
    }
}

/* Units for each turn of the innermost loop, for one vector: a host with a time limit looks at the clock at every turn,
 * but more units than two, or two for two vectors, are more than the registers hold. */
#define UNROLLED 2

static ALWAYS_INLINE v128_t add_dot(v128_t sums, v128_t lanes, v128_t x) {
    return wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(lanes, x));
}

static ALWAYS_INLINE void store_scaled(float *out, v128_t sums, const float *row_scales, float scale) {
    v128_t scales = wasm_f32x4_mul(wasm_v128_load(row_scales), wasm_f32x4_splat(scale));
    wasm_v128_store(out, wasm_f32x4_mul(wasm_f32x4_convert_i32x4(sums), scales));
}

/* Adds the products of sixteen rows' next unit. */
static ALWAYS_INLINE void step8(v128_t sums[TOGETHER][4], const v128_t *w, const packed8 *const *packed, int unit,
                                const int count) {
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
        v128_t lanes = w[4 * unit + k], high = wasm_i16x8_shr(lanes, 8);
        for (int i = 0; i < count; i++) {
            sums[i][k] = add_dot(sums[i][k], lanes, packed[i][unit][0]);
            sums[i][k] = add_dot(sums[i][k], high, packed[i][unit][1]);
        }
    }
    KEEP_LOADS_IN_PLACE();
}

/* `count` is a constant, 1 or 2, wherever this is inlined, so that all sums are registers. */
static ALWAYS_INLINE void matmul8(float *out, uint32_t stride, const struct matrix *matrix,
                                  const struct activations *x, const int count) {
    const v128_t *w = (const v128_t *)matrix->weights;
    for (uint32_t row = 0; row < matrix->rows; row += BLOCK_ROWS) {
        const int unrolled = count == 1 ? UNROLLED : 1;
        v128_t sums[TOGETHER][4];
        const packed8 *packed[TOGETHER], *end = (const packed8 *)x[0].packed + matrix->units;
        for (int i = 0; i < count; i++) {
            packed[i] = x[i].packed;
            for (int k = 0; k < 4; k++) sums[i][k] = wasm_i32x4_splat(x[i].offsets[0]);
        }
#pragma clang loop unroll_count(1)
        for (; end - packed[0] >= unrolled; w += 4 * unrolled) {
#pragma clang loop unroll(full)
            for (int unit = 0; unit < unrolled; unit++) step8(sums, w, packed, unit, count);
            for (int i = 0; i < count; i++) packed[i] += unrolled;
        }
#pragma clang loop unroll_count(1)
        for (; packed[0] < end; w += 4) {
            step8(sums, w, packed, 0, count);
            for (int i = 0; i < count; i++) packed[i]++;
        }
        for (int i = 0; i < count; i++)
            for (int k = 0; k < 4; k++)
                store_scaled(out + i * stride + row + 4 * k, sums[i][k], matrix->scales + row + 4 * k, x[i].scale);
    }
}

void matmul8_one(float *out, const struct matrix *matrix, const struct activations *x) {
    matmul8(out, 0, matrix, x, 1);
}

void matmul8_two(float *out, uint32_t stride, const struct matrix *matrix, const struct activations *x) {
    matmul8(out, stride, matrix, x, TOGETHER);
}

/* sums + group * the group's scales, which are four bytes. */
static ALWAYS_INLINE v128_t add_scaled(v128_t sums, v128_t group, const uint8_t *scales) {
    v128_t four = wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(scales));
    return wasm_i32x4_add(sums, wasm_i32x4_mul(group, wasm_u32x4_extend_low_u16x8(four)));
}

static ALWAYS_INLINE void step4(v128_t sums[4], const v128_t *w, const packed4 *packed, int unit) {
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
        v128_t lanes = w[4 * unit + k];
        sums[k] = add_dot(sums[k], lanes, packed[unit][0]);
        sums[k] = add_dot(sums[k], wasm_i16x8_shr(lanes, 4), packed[unit][1]);
        sums[k] = add_dot(sums[k], wasm_i16x8_shr(lanes, 8), packed[unit][2]);
        sums[k] = add_dot(sums[k], wasm_i16x8_shr(lanes, 12), packed[unit][3]);
    }
    KEEP_LOADS_IN_PLACE();
}

void matmul4_one(float *out, const struct matrix *matrix, const struct activations *x) {
    const v128_t *w = (const v128_t *)matrix->weights;
    const uint8_t *group_scales = matrix->group_scales;
    for (uint32_t row = 0; row < matrix->rows; row += BLOCK_ROWS) {
        const packed4 *packed = x->packed, *last = packed + matrix->units;
        v128_t totals[4] = {};
        for (uint32_t group = 0; group < matrix->groups; group++, group_scales += BLOCK_ROWS) {
            const packed4 *end = packed + matrix->group_units;
            if (end > last) end = last;
            v128_t sums[4];
            for (int k = 0; k < 4; k++) sums[k] = wasm_i32x4_splat(x->offsets[group]);
#pragma clang loop unroll_count(1)
            for (; end - packed >= UNROLLED; packed += UNROLLED, w += 4 * UNROLLED) {
#pragma clang loop unroll(full)
                for (int unit = 0; unit < UNROLLED; unit++) step4(sums, w, packed, unit);
            }
#pragma clang loop unroll_count(1)
            for (; packed < end; packed++, w += 4) step4(sums, w, packed, 0);
            for (int k = 0; k < 4; k++) totals[k] = add_scaled(totals[k], sums[k], group_scales + 4 * k);
        }
        for (int k = 0; k < 4; k++)
            store_scaled(out + row + 4 * k, totals[k], matrix->scales + row + 4 * k, x->scale);
    }
}

static ALWAYS_INLINE void step4_two(v128_t sums[TOGETHER][4], const v128_t *w, const packed4 *const *packed) {
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
        v128_t lanes = w[k];
        for (int c = 0; c < 4; c++) {
            v128_t shifted = c ? wasm_i16x8_shr(lanes, 4 * c) : lanes;
            for (int i = 0; i < TOGETHER; i++) sums[i][k] = add_dot(sums[i][k], shifted, packed[i][0][c]);
        }
    }
    KEEP_LOADS_IN_PLACE();
}

/* The totals of the groups lie in `out` until all are there: with the sums, they do not fit the registers. */
void matmul4_two(float *out, uint32_t stride, const struct matrix *matrix, const struct activations *x) {
    const v128_t *w = (const v128_t *)matrix->weights;
    const uint8_t *group_scales = matrix->group_scales;
    for (uint32_t row = 0; row < matrix->rows; row += BLOCK_ROWS) {
        const packed4 *packed[TOGETHER], *last = (const packed4 *)x[0].packed + matrix->units;
        for (int i = 0; i < TOGETHER; i++) {
            packed[i] = x[i].packed;
            for (int k = 0; k < 4; k++) wasm_v128_store(out + i * stride + row + 4 * k, wasm_i32x4_splat(0));
        }
        for (uint32_t group = 0; group < matrix->groups; group++, group_scales += BLOCK_ROWS) {
            const packed4 *end = packed[0] + matrix->group_units;
            if (end > last) end = last;
            v128_t sums[TOGETHER][4];
            for (int i = 0; i < TOGETHER; i++)
                for (int k = 0; k < 4; k++) sums[i][k] = wasm_i32x4_splat(x[i].offsets[group]);
#pragma clang loop unroll_count(1)
            for (; packed[0] < end; w += 4) {
                step4_two(sums, w, packed);
                for (int i = 0; i < TOGETHER; i++) packed[i]++;
            }
            for (int i = 0; i < TOGETHER; i++) {
                for (int k = 0; k < 4; k++) {
                    float *at = out + i * stride + row + 4 * k;
                    wasm_v128_store(at, add_scaled(wasm_v128_load(at), sums[i][k], group_scales + 4 * k));
                }
            }
        }
        for (int i = 0; i < TOGETHER; i++) {
            for (int k = 0; k < 4; k++) {
                float *at = out + i * stride + row + 4 * k;
                store_scaled(at, wasm_v128_load(at), matrix->scales + row + 4 * k, x[i].scale);
            }
        }
    }
}
