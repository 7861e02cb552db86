/* Products of an 8-bit matrix and an 8-bit vector, the shaper's whole cost.
 *
 * Two files implement this header, one for each flavour: matmul_simd128.c and matmul_portable.c. A product of
 * integers is exact, so both give the same bits, those of `multiply` in fontgen/reference/model.py. */
#ifndef MATMUL_H
#define MATMUL_H

#include "model.h"

/* Bytes that hold a packed vector of `n` elements, with 16-byte alignment. */
uint32_t packed_size(uint32_t n);

/* A vector of activations, quantised and packed as the flavour's kernel wants it. */
struct activations {
    float scale;    /* element = scale * integer */
    int32_t offset; /* -128 * the sum of the integers whose weights the kernel sees with 128 added */
    void *packed;   /* packed_size() bytes */
};

/* Quantises `n` floats (their array padded with readable memory to a multiple of 4): the largest magnitude becomes
 * 127, ties round to even. */
void quantise_activations(struct activations *out, const float *x, uint32_t n);

/* out[row] = float(integer dot product) * (scale of the row * scale of x), for every row, padding included: `out`
 * has room for matrix->rows rounded up to 16. */
void multiply(float *out, const struct matrix *matrix, const struct activations *x);

#endif
