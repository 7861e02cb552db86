/* Floats to 8-bit integers, the same in both flavours. */
#ifndef QUANTISE_H
#define QUANTISE_H

#include "vector.h"

struct quantiser {
    float scale, inverse; /* largest magnitude / 127, and 127 / largest magnitude or 0 */
};

/* Four elements from index `i`, those past the end as zero. */
static inline f32x4 load_padded4(const float *x, uint32_t i, uint32_t n) {
    f32x4 v = load4(x + i);
    for (uint32_t j = 0; i + 4 > n && j < 4; j++)
        if (i + j >= n) v[j] = 0;
    return v;
}

static inline struct quantiser choose_scale(const float *x, uint32_t n) {
    f32x4 largest = splat4(0);
    for (uint32_t i = 0; i < n; i += 4) {
        f32x4 magnitude = (f32x4)((i32x4)load_padded4(x, i, n) & 0x7FFFFFFF);
        largest = select4(magnitude > largest, magnitude, largest);
    }
    float most = 0;
    for (uint32_t j = 0; j < 4; j++) most = largest[j] > most ? largest[j] : most;
    return (struct quantiser){most / 127.0f, most > 0 ? 127.0f / most : 0.0f};
}

static inline i32x4 quantise4(const struct quantiser *quantiser, const float *x, uint32_t i, uint32_t n) {
    f32x4 scaled = clamp4(load_padded4(x, i, n) * quantiser->inverse, -127.0f, 127.0f);
    return __builtin_convertvector(__builtin_elementwise_rint(scaled), i32x4);
}

#endif
