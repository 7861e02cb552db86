#include "trace.h"

#include "continuation.h"
#include "memory.h"

void trace_begin(struct trace *trace) {
    trace->n = 0;
    trace->unfinished = trace->failed = false;
}

void trace_append(struct trace *trace, const struct traced_token *token) {
    if (trace->n == trace->capacity) {
        uint32_t capacity = trace->capacity ? 2 * trace->capacity : 256;
        struct traced_token *tokens = malloc((uint64_t)capacity * sizeof *tokens);
        trace->failed |= !tokens;
        if (!tokens) return;
        memcpy(tokens, trace->tokens, trace->n * sizeof *tokens);
        free(trace->tokens);
        trace->tokens = tokens;
        trace->capacity = capacity;
    }
    trace->tokens[trace->n++] = *token;
}

void trace_dropped(struct trace *trace, uint32_t first, uint32_t dropped) {
    for (uint32_t i = first; i < trace->n; i++) trace->tokens[i].dropped = dropped;
}

/* The context that a token was read or chosen in, by malloc(); NULL: it is none, or has fallen out, or memory ran
 * out. */
static uint32_t *context_of(const struct trace *trace, uint32_t index, uint32_t *n) {
    if (trace->failed || index == 0 || index >= trace->n) return NULL;
    uint32_t dropped = trace->tokens[index].dropped, passed = 0;
    uint32_t *tokens = malloc(index * sizeof *tokens);
    *n = 0;
    for (uint32_t i = 0; tokens && i < index; i++) {
        if (trace->tokens[i].kind == TOKEN_END) continue;
        bool kept = trace->tokens[i].kind == TOKEN_BEGIN || ++passed > dropped;
        if (kept) tokens[(*n)++] = trace->tokens[i].token;
    }
    if (passed >= dropped && *n) return tokens;
    free(tokens);
    return NULL;
}

static struct options options_of(const struct traced_token *token) {
    return (struct options){token->temperature, token->seed, token->top_k, token->top_p, 0};
}

bool trace_choices(const struct trace *trace, struct sampler *sampler, uint32_t index, uint32_t most,
                   struct choices *choices) {
    uint32_t n, *tokens = context_of(trace, index, &n);
    if (!tokens) return false;
    struct options options = options_of(&trace->tokens[index]);
    bool explained = explain_choice(sampler, choices, tokens, n, &options, trace->tokens[index].token, most);
    free(tokens);
    return explained;
}

uint32_t trace_rejections(const struct trace *trace, struct sampler *sampler, uint32_t index, uint32_t wanted) {
    uint32_t n, *tokens = context_of(trace, index, &n), rejections = NO_TOKEN;
    if (!tokens) return NO_TOKEN;
    struct options options = options_of(&trace->tokens[index]);
    uint64_t hash = HASH_OF_NOTHING;
    for (uint32_t i = 0; i < n; i++) hash = hash_token(hash, tokens[i]);
    for (uint32_t tried = 0; tried <= MOST_REJECTED && rejections == NO_TOKEN; tried++) {
        uint32_t unlimited = ~0u;
        if (choose_token(sampler, tokens, n, hash, &options, tried, &unlimited) == wanted) rejections = tried;
    }
    free(tokens);
    return rejections;
}
