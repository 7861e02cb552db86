/* Which token comes next: the most likely one, or one drawn at random.
 *
 * A draw is a function of the tokens before it, the options and nothing else, so a text looks the same every time. */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "options.h"
#include "trace_layout.h"
#include "transformer.h"

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
    const struct settings *settings;
    uint8_t *excluded;   /* [vocab_size, rounded up to 4]: tokens that may not be taken */
    float *weights;      /* [the same]: of the candidates */
    uint32_t *candidates, *order; /* [vocab_size] */
    struct remembered_token {
        uint64_t key;
        uint32_t token;
    } *remembered;       /* tokens chosen lately, by what they were chosen for */
    uint32_t replaced;   /* how many of them others replaced */
};

/* Allocates; false when memory runs out. */
bool sampler_open(struct sampler *sampler, struct transformer *transformer, const struct settings *settings);

/* Whether a token ends what the model writes. */
bool ends_run(const struct sampler *sampler, uint32_t token);

/* The token after `n` tokens whose hash is `hash`, none of the rejected ones; NO_TOKEN when the budget ran out. */
uint32_t sample(struct sampler *sampler, const uint32_t *tokens, uint32_t n, uint64_t hash,
                const struct options *options, const struct rejected *rejected, uint32_t *budget);

/* What a token was chosen among, the most likely first. */
struct choices {
    struct choices_header header;
    struct choice choices[MOST_CHOICES];
};

/* The tokens that could follow `n` tokens, at most `most` of them, and where among them `token` stands. Probabilities
 * are those that sample() draws with; at temperature 0, where nothing is drawn, those of temperature 1. False when
 * nothing can be said. */
bool explain_choice(struct sampler *sampler, struct choices *choices, const uint32_t *tokens, uint32_t n,
                    const struct options *options, uint32_t token, uint32_t most);

#endif
