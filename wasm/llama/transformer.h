/* The Llama transformer, a few positions at a time, with a KV cache keyed by the tokens that it holds.
 *
 * Nothing here depends on what was asked before: the cache only saves work. */
#ifndef TRANSFORMER_H
#define TRANSFORMER_H

#include "kv_cache.h"
#include "matmul.h"

/* Positions of a prompt that are computed together, and share the work of reading the weights. */
#define BATCH 4

struct transformer {
    struct model model;
    struct kv_cache cache;
    uint32_t *tokens;      /* [context_length] whose keys and values are cached */
    uint32_t n_tokens;
    uint32_t logits_after; /* how many tokens `logits` follows; 0: none */
    float *logits;         /* [vocab_size, rounded up to 16] */
    /* Scratch; [BATCH][width] but for the scores. */
    uint32_t width;
    float *x, *normed, *query, *key, *value, *attended, *gate, *up, *scores;
    struct activations activations[BATCH];
};

/* Opens the model in `table` (which must stay) and allocates everything; false when the table is bad or memory runs
 * out. */
bool transformer_open(struct transformer *transformer, const uint8_t *table, uint32_t length);

/* The logits, float32[vocab_size], that follow 1 to context_length tokens. `budget` counts positions down; NULL when
 * it ran out, with what was computed kept for the next call. */
const float *transformer_logits(struct transformer *transformer, const uint32_t *tokens, uint32_t n, uint32_t *budget);

#endif
