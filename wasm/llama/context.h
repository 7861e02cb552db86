/* The tokens of all that is visible so far, in the frame that the font puts around them: what the model reads. */
#ifndef CONTEXT_H
#define CONTEXT_H

#include "sampler.h"
#include "text.h"
#include "trace.h"

/* What a shape call brings beside its text: what the font and the caller say of how tokens are chosen, and how many
 * positions may be computed. */
struct request {
    const struct settings *settings;
    const struct feature *features;
    uint32_t n_features;
    uint32_t budget;
};

/* BOS or the frame's beginning; then prompt, continuation, prompt, ..., each prompt in its frame. */
struct context {
    struct sampler *sampler;
    const struct model *model;
    const struct request *request;
    struct trace *trace;
    uint32_t *tokens;
    uint32_t *starts;  /* of the prompt just read: for each token the index of the code point where it begins */
    uint32_t n;
    uint32_t head;     /* tokens at the beginning that are never dropped */
    uint32_t dropped;  /* tokens behind them that were too many */
    uint32_t prompts;  /* that were read */
    uint64_t hash;     /* of the tokens */
    uint32_t budget;
    bool out_of_budget;
};

/* False when memory runs out. To be closed also then. */
bool context_open(struct context *context, struct sampler *sampler, const struct request *request,
                  struct trace *trace);
void context_close(struct context *context);

/* What holds for a cluster. */
struct options context_options(const struct context *context, uint32_t cluster);

/* Reads typed text, and shows it, which changes nothing but where tokens are to be marked. Spaces at its end are left
 * out: a vocabulary has its spaces at the beginning of words, and the first token brings its own. */
void context_read(struct context *context, struct text *visible, const struct glyph_info *info, uint32_t n);

/* Appends a token that was chosen; `ended`: only traces it. */
void context_append(struct context *context, uint32_t token, bool ended, uint32_t cluster,
                    const struct options *options, uint32_t rejected);

/* Whether it holds nothing but what begins every text. */
bool context_is_empty(const struct context *context);

#endif
