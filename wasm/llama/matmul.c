#include "matmul_kernels.h"

void matmul(float *out, uint32_t stride, const struct matrix *matrix, const struct activations *x, uint32_t count) {
    if (matrix->bits == 4) {
        for (; count; count--, x++, out += stride) matmul4_one(out, matrix, x);
        return;
    }
    for (; count >= TOGETHER; count -= TOGETHER, x += TOGETHER, out += TOGETHER * stride)
        matmul8_two(out, stride, matrix, x);
    if (count) matmul8_one(out, matrix, x);
}
