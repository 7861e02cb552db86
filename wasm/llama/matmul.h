/* Products of an 8-bit or 4-bit matrix and 8-bit vectors, the shaper's whole cost.
 *
 * A product of integers is exact, so both flavours give the same bits, those of `matmul` in
 * fontgen/llama/reference/numpy_model.py. */
#ifndef MATMUL_H
#define MATMUL_H

#include "model_table.h"

/* Bytes that hold a packed vector of `n` elements at either precision, with 16-byte alignment. */
uint64_t packed_size(uint32_t n);

/* A vector of activations, quantised and packed as the flavour's kernel wants it for one kind of matrix. */
struct activations {
    float scale;      /* element = scale * integer */
    int32_t *offsets; /* for each group of columns: undoes what is added to the weights, so that they have no sign */
    void *packed;     /* packed_size() bytes */
};

/* Quantises matrix->columns floats (their array padded with readable memory to a multiple of 8) for matrices of this
 * one's precision and width: the largest magnitude becomes 127, ties round to even. */
void quantise_activations(struct activations *out, const float *x, const struct matrix *matrix);

/* out[i * stride + row] = float(sum) * (scale of the row * scale of x[i]), where `sum` is the integer dot product, each
 * group of columns times its group scale. For `count` vectors, which share the work of reading the weights, and for
 * every row, padding included: `stride` is at least matrix->rows rounded up to 16. */
void matmul(float *out, uint32_t stride, const struct matrix *matrix, const struct activations *x, uint32_t count);

#endif
