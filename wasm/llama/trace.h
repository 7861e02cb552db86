/* What the latest shape call read and generated, token by token, for programs that show how the model works, by
 * exports of shape.c. Nothing here is needed to shape. */
#ifndef TRACE_H
#define TRACE_H

#include "sampler.h"
#include "trace_layout.h"

struct trace {
    struct traced_token *tokens;
    uint32_t n, capacity;
    bool unfinished; /* the call may compute no more, and showed an ellipsis for the rest */
    bool failed;     /* memory ran out: `tokens` ends early */
};

/* Forgets the call before. */
void trace_begin(struct trace *trace);

void trace_append(struct trace *trace, const struct traced_token *token);

/* Says of the tokens from `first` on how many had been dropped before they were read. */
void trace_dropped(struct trace *trace, uint32_t first, uint32_t dropped);

/* See explain_choice(): for one of the trace's tokens, in the context that it came in. False when it is the first, or
 * its context has fallen out. The engine computes at most one position for it, if the trace is that of its last context. */
bool trace_choices(const struct trace *trace, struct sampler *sampler, uint32_t index, uint32_t most,
                   struct choices *choices);

/* How many question marks it takes behind a token's mark until `wanted` is shown there; NO_TOKEN: none that count. */
uint32_t trace_rejections(const struct trace *trace, struct sampler *sampler, uint32_t index, uint32_t wanted);

#endif
