/* The Llama transformer, a few positions at a time, with a KV cache keyed by the tokens that it holds.
 *
 * Nothing here depends on what was asked before: the cache only saves work. */
#ifndef ENGINE_H
#define ENGINE_H

#include "matmul.h"
#include "model.h"

/* Positions of a prompt that are computed together, and share the work of reading the weights. */
#define BATCH 4

struct engine {
    struct model model;
    uint32_t *tokens;      /* [context_length] whose keys and values are cached */
    uint32_t n_tokens;
    uint32_t logits_after; /* how many tokens `logits` follows; 0: none */
    float *logits;         /* [vocab_size, rounded up to 16] */
    float *keys;           /* [n_layers][n_kv_heads][context_length / 16][head_size][16] */
    float *values;         /* [n_layers][n_kv_heads][context_length][head_stride] */
    uint32_t head_stride;  /* head_size rounded up to 4 */
    uint32_t n_blocks;     /* context_length / 16, rounded up */
    /* Scratch; [BATCH][width] but for the scores. */
    uint32_t width;
    float *x, *normed, *query, *key, *value, *attended, *hidden, *hidden3, *scores;
    struct activations activations[BATCH];
};

/* Opens the model in `table` (which must stay) and allocates everything; false when the table is bad or memory runs
 * out. */
bool engine_open(struct engine *engine, const uint8_t *table, uint32_t length);

/* The logits, float32[vocab_size], that follow 1 to context_length tokens. `budget` counts positions down; NULL when
 * it ran out, with what was computed kept for the next call. */
const float *engine_logits(struct engine *engine, const uint32_t *tokens, uint32_t n, uint32_t *budget);

#endif
