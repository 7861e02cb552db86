#include "kv_cache.h"

#include "half.h"
#include "inlining.h"
#include "memory.h"

bool kv_cache_open(struct kv_cache *cache, const struct model *model) {
    const struct model_header *h = &model->header;
    uint64_t heads = (uint64_t)h->n_layers * h->n_kv_heads, head_size = model->head_size;
    cache->n_kv_heads = h->n_kv_heads;
    cache->head_size = model->head_size;
    cache->head_stride = (model->head_size + 3) / 4 * 4;
    cache->is_half = h->kv_cache_bits == 16;
    uint64_t element = h->kv_cache_bits / 8;
    cache->keys_size = (h->context_length + POSITIONS - 1) / POSITIONS * head_size * POSITIONS * element;
    cache->values_size = (uint64_t)h->context_length * cache->head_stride * element;
    /* Of a long context hardly anybody uses all; what attention reads past the last position counts for nothing. */
    cache->keys = allocate_unset(heads, cache->keys_size);
    cache->values = allocate_unset(heads, cache->values_size);
    return cache->keys && cache->values;
}

/* A head's key, an element in each row of its block, and its value. */
static NEVER_INLINE void store_floats(float *keys, float *values, const float *key, const float *value, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) keys[i * POSITIONS] = key[i];
    memcpy(values, value, n * sizeof *value);
}

static NEVER_INLINE void store_halves(uint16_t *keys, uint16_t *values, const float *key, const float *value,
                                      uint32_t n) {
    for (uint32_t i = 0; i < n; i++) keys[i * POSITIONS] = half_of(key[i]);
    for (uint32_t i = 0; i < n; i++) values[i] = half_of(value[i]);
}

void kv_cache_store(struct kv_cache *cache, uint32_t layer, uint32_t position, const float *key, const float *value) {
    uint32_t head_size = cache->head_size;
    for (uint32_t head = 0; head < cache->n_kv_heads; head++, key += head_size, value += head_size) {
        /* Blocks of 16 positions, so that one load brings an element of four of them. */
        uint64_t block = (uint64_t)(position / POSITIONS) * head_size * POSITIONS + position % POSITIONS;
        uint64_t row = (uint64_t)position * cache->head_stride;
        if (cache->is_half) {
            uint16_t *keys = cached_keys(cache, layer, head), *values = cached_values(cache, layer, head);
            store_halves(keys + block, values + row, key, value, head_size);
        } else {
            float *keys = cached_keys(cache, layer, head), *values = cached_values(cache, layer, head);
            store_floats(keys + block, values + row, key, value, head_size);
        }
    }
}
