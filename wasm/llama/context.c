#include "context.h"

#include "memory.h"
#include "tokenizer.h"

/* Of a long text only the end is read. */
static uint32_t prompt_window(const struct model *model) {
    uint32_t window = 16 * model->header.context_length;
    return window < 1024 ? 1024 : window > 16384 ? 16384 : window;
}

/* Whether the vocabulary has the frame's tokens, and the context has room for them: else the font shows plain text. */
static bool frame_fits(const struct settings *settings, const struct model *model) {
    const struct settings_header *s = &settings->header;
    uint64_t n = (uint64_t)s->n_before + s->n_after + s->n_between;
    for (uint64_t i = 0; i < n; i++)
        if (settings->frame[i] >= model->header.vocab_size) return false;
    return n <= model->header.context_length / 2;
}

static void trace_token(const struct context *context, uint32_t token, uint32_t kind, uint32_t cluster,
                        const struct options *options, uint32_t rejected) {
    struct traced_token traced = {.token = token, .kind = kind, .cluster = cluster, .dropped = context->dropped,
                                  .rejected = rejected, .temperature = options->temperature, .seed = options->seed,
                                  .top_k = options->top_k, .top_p = options->top_p};
    trace_append(context->trace, &traced);
}

static void append_frame(struct context *context, const uint32_t *tokens, uint32_t n, uint32_t kind, uint32_t cluster) {
    struct options options = context_options(context, cluster);
    for (uint32_t i = 0; i < n; i++) {
        trace_token(context, tokens[i], kind, cluster, &options, 0);
        context->tokens[context->n++] = tokens[i];
    }
}

bool context_open(struct context *context, struct sampler *sampler, const struct request *request,
                  struct trace *trace) {
    const struct model *model = &sampler->transformer->model;
    const struct settings *settings = request->settings;
    *context = (struct context){.sampler = sampler, .model = model, .request = request, .trace = trace,
                                .budget = request->budget};
    if (!frame_fits(settings, model)) return false;
    /* A full context and what a prompt adds to it, in the worst case of four byte tokens for each code point. */
    uint32_t most_read = 4 * prompt_window(model) + 8;
    context->tokens = malloc((2 * model->header.context_length + most_read) * sizeof *context->tokens);
    context->starts = malloc(most_read * sizeof *context->starts);
    if (!context->tokens || !context->starts) return false;
    if (settings->header.n_before) append_frame(context, settings->before, settings->header.n_before, TOKEN_BEGIN, 0);
    else if (!(model->header.flags & FLAG_NO_BOS)) append_frame(context, &model->header.bos_token, 1, TOKEN_BEGIN, 0);
    context->head = context->n;
    return true;
}

void context_close(struct context *context) {
    free(context->tokens);
    free(context->starts);
}

struct options context_options(const struct context *context, uint32_t cluster) {
    const struct request *request = context->request;
    return options_at(&request->settings->header, request->features, request->n_features, cluster);
}

bool context_is_empty(const struct context *context) {
    bool bos_alone = context->n == 1 && context->tokens[0] == context->model->header.bos_token;
    return context->n == context->head || bos_alone;
}

void context_append(struct context *context, uint32_t token, bool ended, uint32_t cluster,
                    const struct options *options, uint32_t rejected) {
    trace_token(context, token, ended ? TOKEN_END : TOKEN_GENERATED, cluster, options, rejected);
    if (ended) return;
    context->tokens[context->n++] = token;
    context->hash = hash_token(context->hash, token);
}

/* The least multiple of `step` that is not below `excess`. What is dropped at the beginning of a long text grows in
 * large steps, so that most keystrokes leave the beginning, and with it the cached tokens, where it was. */
static uint32_t in_steps(uint32_t excess, uint32_t step) { return (excess + step - 1) / step * step; }

/* Three quarters of the context at most are prompt, with `reserved` tokens that follow it; the rest is room for the
 * continuation. */
static void keep_end(struct context *context, uint32_t reserved) {
    uint32_t length = context->model->header.context_length, head = context->head;
    uint32_t most = length - length / 4, step = length / 8 ? length / 8 : 1;
    if (context->n + reserved <= most) return;
    uint32_t dropped = in_steps(context->n + reserved - most, step);
    if (dropped > context->n - head) dropped = context->n - head;
    context->n -= dropped;
    context->dropped += dropped;
    memmove(context->tokens + head, context->tokens + head + dropped, (context->n - head) * sizeof *context->tokens);
}

/* Encodes typed text behind the context; returns how many tokens it is, whose `starts` are then known. */
static uint32_t encode_prompt(struct context *context, const struct glyph_info *info, uint32_t n) {
    uint32_t window = prompt_window(context->model), skipped = n > window ? in_steps(n - window, window / 2) : 0;
    bool at_start = context->n == context->head && !context->request->settings->header.n_before;
    info += skipped;
    n -= skipped;
    uint32_t *codepoints = malloc(n * sizeof *codepoints);
    if (!codepoints) return 0;
    for (uint32_t i = 0; i < n; i++) codepoints[i] = info[i].codepoint;
    uint32_t n_tokens = tokenizer_encode(context->model, codepoints, n, at_start, context->tokens + context->n,
                                         context->starts);
    free(codepoints);
    for (uint32_t i = 0; i < n_tokens; i++) context->starts[i] += skipped;
    return n_tokens;
}

/* Shows typed text and traces its tokens, which begin at `starts`. */
static void show_prompt(struct context *context, struct text *visible, const struct glyph_info *info, uint32_t n,
                        uint32_t n_tokens) {
    for (uint32_t i = 0, token = 0; i < n; i++) {
        struct options options;
        if (token < n_tokens && context->starts[token] == i) options = context_options(context, info[i].cluster);
        for (; token < n_tokens && context->starts[token] == i; token++) {
            trace_token(context, context->tokens[context->n + token], TOKEN_PROMPT, info[i].cluster, &options, 0);
            if (options.boundaries == 2) text_append(visible, BOUNDARY, info[i].cluster);
        }
        text_append(visible, info[i].codepoint, info[i].cluster);
    }
}

void context_read(struct context *context, struct text *visible, const struct glyph_info *info, uint32_t n) {
    const struct settings *settings = context->request->settings;
    uint32_t first = 0, end = n, n_tokens = 0, traced = context->trace->n, cluster = n ? info[n - 1].cluster : 0;
    while (end && info[end - 1].codepoint == ' ') end--;
    while (settings->is_framed && first < end && info[first].codepoint == ' ') first++;
    bool is_turn = settings->is_framed && (first < end || !context->prompts);
    if (is_turn && context->prompts)
        append_frame(context, settings->between, settings->header.n_between, TOKEN_FRAME, info[first].cluster);
    if (!context->out_of_budget) n_tokens = encode_prompt(context, info + first, end - first);
    for (uint32_t i = 0; i < n_tokens; i++) context->starts[i] += first;
    show_prompt(context, visible, info, n, n_tokens);
    context->n += n_tokens;
    keep_end(context, is_turn ? settings->header.n_after : 0);
    trace_dropped(context->trace, traced, context->dropped);
    if (is_turn) append_frame(context, settings->after, settings->header.n_after, TOKEN_FRAME, cluster);
    if (!context->n) append_frame(context, &context->model->header.bos_token, 1, TOKEN_FRAME, cluster);
    context->prompts++;
    context->hash = HASH_OF_NOTHING;
    for (uint32_t i = 0; i < context->n; i++) context->hash = hash_token(context->hash, context->tokens[i]);
}
