/* Keys and values of the positions computed so far, of every layer, as attention wants to read them. */
#ifndef KV_CACHE_H
#define KV_CACHE_H

#include "model_table.h"

#define POSITIONS 16 /* whose keys lie side by side */

struct kv_cache {
    uint32_t n_kv_heads, head_size;
    uint32_t head_stride; /* head_size rounded up to 4 */
    bool is_half;         /* elements are halves, not floats */
    uint64_t keys_size;   /* bytes of one head: [context_length / 16, rounded up][head_size][16] */
    uint64_t values_size; /* bytes of one head: [context_length][head_stride] */
    uint8_t *keys, *values; /* [n_layers][n_kv_heads][keys_size], [values_size] */
};

/* Allocates for the model's whole context; false when memory runs out. */
bool kv_cache_open(struct kv_cache *cache, const struct model *model);

/* Stores one position's key and value of all heads, float32[n_kv_heads][head_size] each. */
void kv_cache_store(struct kv_cache *cache, uint32_t layer, uint32_t position, const float *key, const float *value);

/* Floats or halves. */
static inline void *cached_keys(const struct kv_cache *cache, uint32_t layer, uint32_t kv_head) {
    return cache->keys + ((uint64_t)layer * cache->n_kv_heads + kv_head) * cache->keys_size;
}

static inline void *cached_values(const struct kv_cache *cache, uint32_t layer, uint32_t kv_head) {
    return cache->values + ((uint64_t)layer * cache->n_kv_heads + kv_head) * cache->values_size;
}

#endif
