/* Which token comes next: the most likely one, or one drawn at random.
 *
 * A draw is a function of the tokens before it, the options and nothing else, so a text looks the same every time. */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "transformer.h"
#include "options.h"

/* Tokens are counted into a hash one by one: the hash of a context is that of its last token. */
#define HASH_OF_NOTHING 0x243F6A8885A308D3ull
uint64_t hash_token(uint64_t hash, uint32_t token);

/* Tokens that were rejected at this place. */
struct rejected {
    uint32_t tokens[MOST_REJECTED];
    uint32_t n;
};

struct sampler {
    struct transformer *transformer;
    float *weights;         /* [vocab_size, rounded up to 4] */
    uint32_t *heap;         /* [vocab_size] */
    struct remembered_token {
        uint64_t key;
        uint32_t token;
    } *remembered;          /* tokens chosen lately, by what they were chosen for */
    uint32_t replaced;      /* how many of them others replaced */
};

/* Allocates; false when memory runs out. */
bool sampler_open(struct sampler *sampler, struct transformer *transformer);

/* The token after `n` tokens whose hash is `hash`, none of the rejected ones; NO_TOKEN when the budget ran out. */
uint32_t sample(struct sampler *sampler, const uint32_t *tokens, uint32_t n, uint64_t hash,
                const struct options *options, const struct rejected *rejected, uint32_t *budget);

#endif
