#include "attention.h"

#include "half.h"
#include "inlining.h"
#include "memory.h"

/* Elements of the cache, floats or halves: `size` bytes each, a constant to the compiler. */
static ALWAYS_INLINE f32x4 load_cached4(const uint8_t *p, const uint32_t size) {
    return size == sizeof(float) ? load4((const float *)p) : load_half4((const uint16_t *)p);
}

void rotate(float *x, uint32_t n, const float *rope, uint32_t head_size) {
    for (uint32_t i = 0; i < n; i += 2) {
        const float *angle = rope + i % head_size;
        float cosine = angle[0], sine = angle[1], a = x[i], b = x[i + 1];
        x[i] = a * cosine - b * sine;
        x[i + 1] = a * sine + b * cosine;
    }
}

/* scores[t] = query . key[t] * scale, elements added in order; up to 15 scores past `n` are left without meaning. */
static ALWAYS_INLINE void score(float *scores, const float *query, const uint8_t *keys, uint32_t head_size, uint32_t n,
                                float scale, const uint32_t size) {
    for (uint32_t t = 0; t < n; t += POSITIONS) {
        f32x4 s0 = splat4(0), s1 = s0, s2 = s0, s3 = s0;
#pragma clang loop unroll_count(2)
        for (uint32_t i = 0; i < head_size; i++, keys += POSITIONS * size) {
            f32x4 q = splat4(query[i]);
            s0 = s0 + q * load_cached4(keys, size);
            s1 = s1 + q * load_cached4(keys + 4 * size, size);
            s2 = s2 + q * load_cached4(keys + 8 * size, size);
            s3 = s3 + q * load_cached4(keys + 12 * size, size);
        }
        store4(scores + t, s0 * scale);
        store4(scores + t + 4, s1 * scale);
        store4(scores + t + 8, s2 * scale);
        store4(scores + t + 12, s3 * scale);
    }
}

/* Softmax but for its division, which weighted_sum() makes once for all: turns scores into e^(score - largest), zero
 * past `n`; returns their sum. */
static float softmax(float *scores, uint32_t n) {
    f32x4 most = splat4(-3.402823466e38f);
    uint32_t whole = n / 4 * 4;
    for (uint32_t t = 0; t < whole; t += 4) most = select4(load4(scores + t) > most, load4(scores + t), most);
    float largest = most[0];
    for (uint32_t j = 1; j < 4; j++) largest = most[j] > largest ? most[j] : largest;
    for (uint32_t t = whole; t < n; t++) largest = scores[t] > largest ? scores[t] : largest;
    f32x4 sum = splat4(0);
    for (uint32_t t = 0; t < n; t += 4) {
        f32x4 weights = exp4(load4(scores + t) - largest);
        for (uint32_t j = 0; t + 4 > n && j < 4; j++)
            if (t + j >= n) weights[j] = 0;
        store4(scores + t, weights);
        sum = sum + weights;
    }
    return sum4(sum);
}

/* Elements whose sums weighted_sum() holds in registers: all of a head, where they suffice, so that values are read
 * once and in order. */
#ifdef __wasm_simd128__
#define SUMMED 48
#else
#define SUMMED 16
#endif

/* `count` vectors of four elements of weighted_sum()'s result, a constant to the compiler. */
static ALWAYS_INLINE void sum_vectors(float *out, const float *weights, const uint8_t *values, uint32_t count,
                                      uint32_t stride, uint32_t n, float inverse, const uint32_t size) {
    f32x4 sums[SUMMED / 4] = {};
    for (uint32_t t = 0; t < n; t++, values += stride * size) {
        f32x4 weight = splat4(weights[t]);
#pragma clang loop unroll(full)
        for (uint32_t k = 0; k < count; k++) sums[k] = sums[k] + weight * load_cached4(values + 4 * k * size, size);
    }
#pragma clang loop unroll(full)
    for (uint32_t k = 0; k < count; k++) {
        f32x4 done = sums[k] * inverse;
        memcpy(out + 4 * k, &done, sizeof done);
    }
}

/* out = sum over positions, in order, of weight * value; then divided by the sum of the weights. */
static ALWAYS_INLINE void weighted_sum(float *out, const float *weights, const uint8_t *values, uint32_t head_size,
                                       uint32_t stride, uint32_t n, float total, const uint32_t size) {
    float inverse = 1.0f / total;
    uint32_t i = 0;
    for (; i + SUMMED <= head_size; i += SUMMED)
        sum_vectors(out + i, weights, values + i * size, SUMMED / 4, stride, n, inverse, size);
    for (; i + 4 <= head_size; i += 4) sum_vectors(out + i, weights, values + i * size, 1, stride, n, inverse, size);
    for (; i < head_size; i++) {
        float sum = 0;
        /* The row is padded to four elements, the first of which stand at a multiple of four. */
        for (uint32_t t = 0; t < n; t++)
            sum += weights[t] * load_cached4(values + ((uint64_t)t * stride + i / 4 * 4) * size, size)[i % 4];
        out[i] = sum * inverse;
    }
}

static ALWAYS_INLINE void attend_to(float *out, const float *query, float *scores, const struct model *model,
                                    const struct kv_cache *cache, uint32_t layer, uint32_t n, const uint32_t size) {
    const struct model_header *h = &model->header;
    uint32_t head_size = model->head_size, group = h->n_heads / h->n_kv_heads;
    for (uint32_t head = 0; head < h->n_heads; head++, query += head_size, out += head_size) {
        score(scores, query, cached_keys(cache, layer, head / group), head_size, n, h->attention_scale, size);
        float total = softmax(scores, n);
        weighted_sum(out, scores, cached_values(cache, layer, head / group), head_size, cache->head_stride, n, total,
                     size);
    }
}

/* One function for each kind of cache: a model has only one of them, and a browser need not compile the other. */
static NEVER_INLINE void attend_to_floats(float *out, const float *query, float *scores, const struct model *model,
                                          const struct kv_cache *cache, uint32_t layer, uint32_t n) {
    attend_to(out, query, scores, model, cache, layer, n, sizeof(float));
}

static NEVER_INLINE void attend_to_halves(float *out, const float *query, float *scores, const struct model *model,
                                          const struct kv_cache *cache, uint32_t layer, uint32_t n) {
    attend_to(out, query, scores, model, cache, layer, n, sizeof(uint16_t));
}

void attend(float *out, const float *query, float *scores, const struct model *model, const struct kv_cache *cache,
            uint32_t layer, uint32_t n) {
    if (cache->is_half) attend_to_halves(out, query, scores, model, cache, layer, n);
    else attend_to_floats(out, query, scores, model, cache, layer, n);
}
