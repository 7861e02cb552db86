/* The kernels behind matmul(). Two files implement this header and packing, one for each flavour: matmul_simd128.c and
 * matmul_portable.c. */
#ifndef MATMUL_KERNELS_H
#define MATMUL_KERNELS_H

#include "inlining.h"
#include "matmul.h"

/* Vectors multiplied at once: they share the work of taking the weights out of their bytes. The sums of two still fit
 * the registers of x86-64. */
#define TOGETHER 2

/* Without this LLVM hoists loads and the host's compiler then spills: half the speed. */
#define KEEP_LOADS_IN_PLACE() __asm__ volatile("" ::: "memory")

/* A matrix of 8 or of 4 bits times one vector, or times TOGETHER of them, as matmul() says. */
void matmul8_one(float *out, const struct matrix *matrix, const struct activations *x);
void matmul8_two(float *out, uint32_t stride, const struct matrix *matrix, const struct activations *x);
void matmul4_one(float *out, const struct matrix *matrix, const struct activations *x);
void matmul4_two(float *out, uint32_t stride, const struct matrix *matrix, const struct activations *x);

#endif
