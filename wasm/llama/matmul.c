#include "matmul_kernels.h"

void matmul(float *out, uint32_t stride, const struct matrix *matrix, const struct activations *x, uint32_t count) {
    bool is_8_bit = matrix->bits == 8;
    for (; count >= TOGETHER; count -= TOGETHER, x += TOGETHER, out += TOGETHER * stride) {
        if (is_8_bit) matmul8_two(out, stride, matrix, x);
        else matmul4_two(out, stride, matrix, x);
    }
    if (!count) return;
    if (is_8_bit) matmul8_one(out, matrix, x);
    else matmul4_one(out, matrix, x);
}
