#include "kv_cache.h"

#include "memory.h"

bool kv_cache_open(struct kv_cache *cache, const struct model *model) {
    const struct model_header *h = &model->header;
    uint64_t heads = (uint64_t)h->n_layers * h->n_kv_heads, head_size = model->head_size;
    cache->n_kv_heads = h->n_kv_heads;
    cache->head_size = model->head_size;
    cache->head_stride = (model->head_size + 3) / 4 * 4;
    cache->keys_size = (h->context_length + POSITIONS - 1) / POSITIONS * head_size * POSITIONS;
    cache->values_size = (uint64_t)h->context_length * cache->head_stride;
    /* Of a long context hardly anybody uses all; what attention reads past the last position counts for nothing. */
    cache->keys = allocate_unset(heads * cache->keys_size, sizeof *cache->keys);
    cache->values = allocate_unset(heads * cache->values_size, sizeof *cache->values);
    return cache->keys && cache->values;
}

void kv_cache_store(struct kv_cache *cache, uint32_t layer, uint32_t position, const float *key, const float *value) {
    uint32_t head_size = cache->head_size;
    for (uint32_t head = 0; head < cache->n_kv_heads; head++, key += head_size, value += head_size) {
        /* Blocks of 16 positions, so that one load brings an element of four of them. */
        float *block = cached_keys(cache, layer, head) +
                       (uint64_t)(position / POSITIONS) * head_size * POSITIONS + position % POSITIONS;
        for (uint32_t i = 0; i < head_size; i++) block[i * POSITIONS] = key[i];
        float *row = cached_values(cache, layer, head) + (uint64_t)position * cache->head_stride;
        memcpy(row, value, head_size * sizeof *row);
    }
}
