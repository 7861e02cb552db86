/* The portable kernels: two rows at a time in the halves of a 64-bit integer (SWAR).
 *
 * Eight bytes of a row block hold two rows; at 8 bits four columns of each, at 4 bits eight:
 *
 *     byte     0         1         2         3       |   4         5         6         7
 *     row                     r                      |                 r + 1
 *     8 bits   c0        c1        c2        c3      |   c0        c1        c2        c3
 *     4 bits   c0 | c1   c2 | c3   c4 | c5   c6 | c7 |   c0 | c1   c2 | c3   c4 | c5   c6 | c7
 *
 * Once something has been added to the weights that have a sign still (128 to the odd columns at 8 bits, 8 to every
 * fourth at 4), all are unsigned, and `(eight >> 8 * c) & 0x000000FF000000FF` is column c of both rows, each in a half
 * of its own. One multiplication by the activation and one addition then serve both. The low half's sum may borrow from
 * the high half; that is undone once at the end. Reference: `matmul` in fontgen/llama/reference/numpy_model.py. */
#include "matmul_kernels.h"
#include "quantise.h"

#define BYTES 0x000000FF000000FFull
#define NIBBLES 0x0000000F0000000Full
/* The top bits of the odd columns at 8 bits are those of every fourth at 4 bits. */
#define STILL_SIGNED 0x8000800080008000ull

uint64_t packed_size(uint32_t n) { return ((uint64_t)n + 7) / 8 * 8 * sizeof(int64_t); }

void quantise_activations(struct activations *out, const float *x, const struct matrix *matrix) {
    uint32_t n = matrix->columns, unit_columns = 8 * UNIT_BYTES / matrix->bits;
    struct quantiser quantiser = choose_scale(x, n);
    int32_t added = 1 << (matrix->bits - 1);
    int64_t *packed = out->packed;
    out->scale = quantiser.scale;
    for (uint32_t group = 0; group < matrix->groups; group++) out->offsets[group] = 0;
    for (uint32_t i = 0; i < matrix->units * unit_columns; i += 4) {
        i32x4 four = quantise4(&quantiser, x, i, n);
        for (uint32_t j = 0; j < 4; j++) packed[i + j] = four[j];
        out->offsets[i / unit_columns / matrix->group_units] -= added * (four[0] + four[1] + four[2] + four[3]);
    }
}

/* Takes apart the sums of two rows. */
static inline void split(uint64_t sums, int32_t *low, int32_t *high) {
    *low = (int32_t)sums;
    *high = (int32_t)((sums - (uint64_t)(int64_t)*low) >> 32);
}

/* Pairs of rows at once: they share the loads of the activations. More need more registers than x86-64 has. */
#define PAIRS 2

#define NEXT_UNIT (BLOCK_ROWS / 2)

/* `count` is a constant, 1 or 2, wherever this is inlined, so that all sums are registers. */
static ALWAYS_INLINE void matmul8(float *out, uint32_t stride, const struct matrix *matrix,
                                  const struct activations *x, const int count) {
    const uint64_t *weights = (const uint64_t *)matrix->weights;
    for (uint32_t row = 0; row < matrix->rows; row += BLOCK_ROWS, weights += matrix->units * NEXT_UNIT) {
        for (uint32_t pair = 0; pair < BLOCK_ROWS / 2; pair += PAIRS) {
            uint64_t sums[TOGETHER][PAIRS] = {};
            const uint64_t *a[TOGETHER] = {x[0].packed, x[count - 1].packed};
            const uint64_t *w = weights + pair, *end = w + matrix->units * NEXT_UNIT;
#pragma clang loop unroll_count(1)
            for (; w < end; w += NEXT_UNIT) {
                for (int p = 0; p < PAIRS; p++) {
                    uint64_t eight = w[p] ^ STILL_SIGNED;
                    for (int c = 0; c < 4; c++) {
                        uint64_t two = eight >> 8 * c & BYTES;
                        for (int i = 0; i < count; i++) sums[i][p] += two * a[i][c];
                    }
                }
                for (int i = 0; i < count; i++) a[i] += 4;
                KEEP_LOADS_IN_PLACE();
            }
            for (int i = 0; i < count; i++) {
                for (int p = 0; p < PAIRS; p++) {
                    const float *scales = matrix->scales + row + 2 * (pair + p);
                    float *two = out + i * stride + row + 2 * (pair + p);
                    int32_t low, high;
                    split(sums[i][p], &low, &high);
                    two[0] = (float)(low + x[i].offsets[0]) * (scales[0] * x[i].scale);
                    two[1] = (float)(high + x[i].offsets[0]) * (scales[1] * x[i].scale);
                }
            }
        }
    }
}

void matmul8_one(float *out, const struct matrix *matrix, const struct activations *x) {
    matmul8(out, 0, matrix, x, 1);
}

void matmul8_two(float *out, uint32_t stride, const struct matrix *matrix, const struct activations *x) {
    matmul8(out, stride, matrix, x, TOGETHER);
}

/* The sums of two rows over a group, for `count` vectors. */
static ALWAYS_INLINE void step4(uint64_t sums[TOGETHER], const uint64_t *w, const uint64_t *const *a, uint32_t units,
                                const int count) {
    const uint64_t *at[TOGETHER] = {a[0], a[count - 1]};
    for (int i = 0; i < count; i++) sums[i] = 0;
#pragma clang loop unroll_count(1)
    for (; units; units--, w += NEXT_UNIT) {
        uint64_t eight = *w ^ STILL_SIGNED;
#pragma clang loop unroll(full)
        for (int c = 0; c < 8; c++) {
            uint64_t two = eight >> 4 * c & NIBBLES;
            for (int i = 0; i < count; i++) sums[i] += two * at[i][c];
        }
        for (int i = 0; i < count; i++) at[i] += 8;
        KEEP_LOADS_IN_PLACE();
    }
}

static ALWAYS_INLINE void matmul4(float *out, uint32_t stride, const struct matrix *matrix,
                                  const struct activations *x, const int count) {
    const uint64_t *weights = (const uint64_t *)matrix->weights;
    const uint8_t *group_scales = matrix->group_scales;
    for (uint32_t row = 0; row < matrix->rows; row += BLOCK_ROWS, weights += matrix->units * NEXT_UNIT) {
        for (uint32_t pair = 0; pair < BLOCK_ROWS / 2; pair++) {
            uint32_t r = row + 2 * pair;
            int32_t totals[TOGETHER][2] = {};
            for (uint32_t group = 0; group < matrix->groups; group++) {
                uint32_t start = group * matrix->group_units, units = matrix->units - start;
                if (units > matrix->group_units) units = matrix->group_units;
                const uint8_t *scales = group_scales + group * BLOCK_ROWS + 2 * pair;
                const uint64_t *a[TOGETHER] = {(const uint64_t *)x[0].packed + 8 * start,
                                               (const uint64_t *)x[count - 1].packed + 8 * start};
                uint64_t sums[TOGETHER];
                step4(sums, weights + pair + start * NEXT_UNIT, a, units, count);
                for (int i = 0; i < count; i++) {
                    int32_t low, high;
                    split(sums[i], &low, &high);
                    totals[i][0] += (low + x[i].offsets[group]) * scales[0];
                    totals[i][1] += (high + x[i].offsets[group]) * scales[1];
                }
            }
            for (int i = 0; i < count; i++)
                for (int j = 0; j < 2; j++)
                    out[i * stride + r + j] = (float)totals[i][j] * (matrix->scales[r + j] * x[i].scale);
        }
        group_scales += matrix->groups * BLOCK_ROWS;
    }
}

void matmul4_one(float *out, const struct matrix *matrix, const struct activations *x) {
    matmul4(out, 0, matrix, x, 1);
}

void matmul4_two(float *out, uint32_t stride, const struct matrix *matrix, const struct activations *x) {
    matmul4(out, stride, matrix, x, TOGETHER);
}
