/* Attention of one position over all before it (Vaswani et al. 2017, arXiv:1706.03762). */
#ifndef ATTENTION_H
#define ATTENTION_H

#include "kv_cache.h"

/* RoPE (Su et al. 2021, arXiv:2104.09864): turns each pair of the `n` elements of all heads by the position's angles,
 * `rope`: [head_size / 2][2], cosine and sine. */
void rotate(float *x, uint32_t n, const float *rope, uint32_t head_size);

/* Queries of all heads against the first `n` positions of a layer; out and query: [n_heads][head_size], scores: room
 * for `n`, rounded up to 16. Grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245): several heads share keys
 * and values. */
void attend(float *out, const float *query, float *scores, const struct model *model, const struct kv_cache *cache,
            uint32_t layer, uint32_t n);

#endif
