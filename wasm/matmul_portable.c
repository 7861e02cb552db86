/* The portable kernel: two rows at a time in the halves of a 64-bit integer (SWAR).
 *
 * Eight bytes of a row block hold two rows of four columns:
 *
 *     byte     0    1    2    3   |   4    5    6    7
 *     row           r             |        r + 1
 *     column   c0   c1   c2   c3  |   c0   c1   c2   c3
 *
 * With 128 added to every weight (the even columns have it already) the bytes are unsigned, and
 * `(eight >> 8 * c) & 0x000000FF000000FF` is column c of both rows, each in a half of its own. One multiplication
 * by the activation and one addition then serve both. The low half's sum may borrow from the high half; that is
 * undone once at the end. Reference: `multiply` in fontgen/reference/model.py. */
#include "matmul.h"
#include "quantise.h"

#define COLUMN_MASK 0x000000FF000000FFull
#define ODD_COLUMNS 0x8000800080008000ull

uint32_t packed_size(uint32_t n) { return (n + 3) / 4 * 4 * sizeof(int64_t); }

void quantise_activations(struct activations *out, const float *x, uint32_t n) {
    struct quantiser quantiser = choose_scale(x, n);
    int64_t *packed = out->packed;
    int32_t sum = 0;
    for (uint32_t i = 0; i < n; i += 4) {
        i32x4 four = quantise4(&quantiser, x, i, n);
        for (uint32_t j = 0; j < 4; j++) {
            packed[i + j] = four[j];
            sum += four[j];
        }
    }
    out->scale = quantiser.scale;
    out->offset = -128 * sum;
}

void multiply(float *out, const struct matrix *matrix, const struct activations *x) {
    const uint64_t *weights = (const uint64_t *)matrix->weights;
    for (uint32_t row = 0; row < matrix->rows; row += BLOCK_ROWS, weights += matrix->quads * (BLOCK_ROWS / 2)) {
        for (uint32_t pair = 0; pair < BLOCK_ROWS / 2; pair++) {
            const uint64_t *w = weights + pair;
            const uint64_t *a = x->packed;
            uint64_t sums = 0;
            for (uint32_t quad = matrix->quads; quad; quad--, w += BLOCK_ROWS / 2, a += 4) {
                uint64_t eight = *w ^ ODD_COLUMNS;
                sums += (eight & COLUMN_MASK) * a[0];
                sums += (eight >> 8 & COLUMN_MASK) * a[1];
                sums += (eight >> 16 & COLUMN_MASK) * a[2];
                sums += (eight >> 24 & COLUMN_MASK) * a[3];
            }
            int32_t low = (int32_t)sums;
            int32_t high = (int32_t)((sums - (uint64_t)(int64_t)low) >> 32);
            uint32_t r = row + 2 * pair;
            out[r] = (float)(low + x->offset) * (matrix->scales[r] * x->scale);
            out[r + 1] = (float)(high + x->offset) * (matrix->scales[r + 1] * x->scale);
        }
    }
}
