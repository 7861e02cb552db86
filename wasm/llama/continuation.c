#include "continuation.h"

#include "memory.h"
#include "tokenizer.h"
#include "unicode.h"

/* The tokens of all that is visible so far: BOS, then prompt, continuation, prompt, ... */
struct context {
    struct sampler *sampler;
    const struct model *model;
    const struct request *request;
    struct trace *trace;
    uint32_t *tokens;
    uint32_t *starts; /* of the prompt just read: for each token the index of the code point where it begins */
    uint32_t n;
    uint32_t dropped; /* tokens behind BOS that were too many */
    uint64_t hash;    /* of the tokens */
    uint32_t budget;
    bool out_of_budget;
};

uint32_t run_length(const struct glyph_info *info, uint32_t n, uint32_t kept_marks) {
    uint32_t length = 0;
    while (length < n && info[length].codepoint == MORE) length++;
    if (length <= kept_marks) return 0;
    while (length < n && (info[length].codepoint == MORE || info[length].codepoint == ANOTHER)) length++;
    return length;
}

bool has_run(const struct glyph_info *info, uint32_t n, uint32_t kept_marks) {
    uint32_t marks = 0;
    for (uint32_t i = 0; i < n; i++) {
        marks = info[i].codepoint == MORE ? marks + 1 : 0;
        if (marks > kept_marks) return true;
    }
    return false;
}

/* ---- The prompt ---- */

/* The least multiple of `step` that is not below `excess`. What is dropped at the beginning of a long text grows in
 * large steps, so that most keystrokes leave the beginning, and with it the cached tokens, where it was. */
static uint32_t in_steps(uint32_t excess, uint32_t step) { return (excess + step - 1) / step * step; }

/* Of a long text only the end is read. */
static uint32_t prompt_window(const struct model *model) {
    uint32_t window = 16 * model->header.context_length;
    return window < 1024 ? 1024 : window > 16384 ? 16384 : window;
}

/* Three quarters of the context at most are prompt, the rest is room for the continuation. */
static void keep_end(struct context *context) {
    uint32_t length = context->model->header.context_length;
    uint32_t most = length - length / 4, step = length / 8 ? length / 8 : 1;
    if (context->n <= most) return;
    uint32_t dropped = in_steps(context->n - most, step);
    if (dropped > context->n - 1) dropped = context->n - 1;
    context->n -= dropped;
    context->dropped += dropped;
    memmove(context->tokens + 1, context->tokens + 1 + dropped, (context->n - 1) * sizeof *context->tokens);
}

static struct options options_of(const struct context *context, uint32_t cluster) {
    const struct request *request = context->request;
    return options_at(request->settings, request->features, request->n_features, cluster);
}

static void trace_token(const struct context *context, uint32_t token, uint32_t kind, uint32_t cluster,
                        const struct options *options, uint32_t rejected) {
    struct traced_token traced = {.token = token, .kind = kind, .cluster = cluster, .dropped = context->dropped,
                                  .rejected = rejected, .temperature = options->temperature, .seed = options->seed,
                                  .top_k = options->top_k, .top_p = options->top_p};
    trace_append(context->trace, &traced);
}

/* Encodes typed text onto the context; returns how many tokens it is, whose `starts` are then known. */
static uint32_t encode_prompt(struct context *context, const struct glyph_info *info, uint32_t n) {
    uint32_t window = prompt_window(context->model), skipped = n > window ? in_steps(n - window, window / 2) : 0;
    info += skipped;
    n -= skipped;
    uint32_t *codepoints = malloc(n * sizeof *codepoints);
    if (!codepoints) return 0;
    for (uint32_t i = 0; i < n; i++) codepoints[i] = info[i].codepoint;
    uint32_t n_tokens = tokenizer_encode(context->model, codepoints, n, context->n == 1, context->tokens + context->n,
                                         context->starts);
    free(codepoints);
    for (uint32_t i = 0; i < n_tokens; i++) context->starts[i] += skipped;
    return n_tokens;
}

/* Reads typed text. Returns whether it ended with spaces: they are left out, since a vocabulary has its spaces at the
 * beginning of words, and the first token brings its own. Shows it too, which changes nothing but where tokens are to be
 * marked. */
static bool read_prompt(struct context *context, struct text *visible, const struct glyph_info *info, uint32_t n) {
    uint32_t read = n, n_tokens = 0, first_traced = context->trace->n;
    while (read && info[read - 1].codepoint == ' ') read--;
    if (!context->out_of_budget) n_tokens = encode_prompt(context, info, read);
    for (uint32_t i = 0, token = 0; i < n; i++) {
        struct options options;
        if (token < n_tokens && context->starts[token] == i) options = options_of(context, info[i].cluster);
        for (; token < n_tokens && context->starts[token] == i; token++) {
            trace_token(context, context->tokens[context->n + token], TOKEN_PROMPT, info[i].cluster, &options, 0);
            if (options.boundaries == 2) text_append(visible, BOUNDARY, info[i].cluster);
        }
        text_append(visible, info[i].codepoint, info[i].cluster);
    }
    context->n += n_tokens;
    keep_end(context);
    trace_dropped(context->trace, first_traced, context->dropped);
    context->hash = HASH_OF_NOTHING;
    for (uint32_t i = 0; i < context->n; i++) context->hash = hash_token(context->hash, context->tokens[i]);
    return read < n;
}

/* ---- The continuation ---- */

/* A character that no font shows as what it means. */
static uint32_t shown(uint32_t codepoint) {
    bool separator = codepoint < ' ' || codepoint == 0x85 || codepoint == 0x2028 || codepoint == 0x2029;
    return separator ? ' ' : codepoint;
}

/* Shows a token under one cluster. Where it shows nothing, or only the beginning of a character, that is a zero-width
 * space. */
static void show(struct text *visible, const struct model *model, uint32_t token, uint32_t cluster, bool skip_space,
                 struct utf8_decoder *decoder) {
    uint8_t bytes[255];
    uint32_t before = visible->length;
    uint32_t n = tokenizer_decode(model, token, bytes);
    for (uint32_t i = skip_space && n && bytes[0] == ' '; i < n; i++) {
        uint32_t codepoints[2], count = utf8_decode(decoder, bytes[i], codepoints);
        for (uint32_t j = 0; j < count; j++) text_append(visible, shown(codepoints[j]), cluster);
    }
    if (visible->length == before) text_append(visible, SHOWS_NOTHING, cluster);
}

uint32_t choose_token(struct sampler *sampler, const uint32_t *tokens, uint32_t n, uint64_t hash,
                      const struct options *options, uint32_t rejections, uint32_t *budget) {
    struct rejected rejected = {.n = 0};
    for (;;) {
        uint32_t token = sample(sampler, tokens, n, hash, options, &rejected, budget);
        if (token == NO_TOKEN || rejected.n == rejections || rejected.n == MOST_REJECTED) return token;
        rejected.tokens[rejected.n++] = token;
    }
}

/* Replaces the marks that are left of a run by tokens, one each, until the story or the context ends. */
static void generate(struct context *context, struct text *visible, const struct glyph_info *marks, uint32_t n,
                     bool skip_space) {
    const struct model_header *h = &context->model->header;
    struct utf8_decoder decoder = {0};
    uint32_t i = 0;
    while (i < n && context->n <= h->context_length && !visible->failed) {
        uint32_t cluster = marks[i].cluster, another = 0, token = NO_TOKEN;
        while (i + 1 + another < n && marks[i + 1 + another].codepoint == ANOTHER) another++;
        struct options options = options_of(context, cluster);
        if (!context->out_of_budget)
            token = choose_token(context->sampler, context->tokens, context->n, context->hash, &options, another,
                                 &context->budget);
        if (token == NO_TOKEN) {
            context->out_of_budget = true;
            text_append(visible, ELLIPSIS, cluster);
            i++;
            break;
        }
        bool ended = token == h->bos_token || token == h->eos_token;
        trace_token(context, token, ended ? TOKEN_END : TOKEN_GENERATED, cluster, &options, another);
        if (ended) break;
        context->tokens[context->n++] = token;
        context->hash = hash_token(context->hash, token);
        if (options.boundaries) text_append(visible, BOUNDARY, cluster);
        show(visible, context->model, token, cluster, skip_space, &decoder);
        skip_space = false;
        for (i++; another; another--, i++) text_append(visible, SHOWS_NOTHING, marks[i].cluster);
    }
    for (; i < n; i++) text_append(visible, SHOWS_NOTHING, marks[i].cluster);
}

/* Where the next run begins; `n`: nowhere. A row of marks that is no run is passed over at once, so that it is not
 * counted again and again. */
static uint32_t find_run(const struct glyph_info *info, uint32_t from, uint32_t n, uint32_t kept_marks) {
    uint32_t i = from;
    while (i < n && !run_length(info + i, n - i, kept_marks)) {
        do i++;
        while (i < n && info[i].codepoint == MORE && info[i - 1].codepoint == MORE);
    }
    return i;
}

static bool context_open(struct context *context) {
    const struct model *model = context->model;
    /* A full context and what a prompt adds to it, in the worst case of four byte tokens for each code point. */
    uint32_t most_read = 4 * prompt_window(model) + 8;
    context->tokens = malloc((model->header.context_length + most_read) * sizeof *context->tokens);
    context->starts = malloc(most_read * sizeof *context->starts);
    if (!context->tokens || !context->starts) return false;
    struct options none = {0};
    trace_token(context, model->header.bos_token, TOKEN_BEGIN, 0, &none, 0);
    context->tokens[context->n++] = model->header.bos_token;
    return true;
}

void continue_text(struct text *visible, struct trace *trace, struct sampler *sampler, const struct glyph_info *info,
                   uint32_t n, const struct request *request) {
    uint32_t kept_marks = request->settings->kept_marks;
    struct context context = {.sampler = sampler, .model = &sampler->transformer->model, .request = request,
                              .trace = trace, .budget = request->budget};
    visible->failed |= !context_open(&context);
    for (uint32_t i = 0; i < n && !visible->failed;) {
        uint32_t prompt = i, run = find_run(info, i, n, kept_marks);
        if (run == n) {
            for (; i < n; i++) text_append(visible, info[i].codepoint, info[i].cluster);
            break;
        }
        bool skip_space = read_prompt(&context, visible, info + prompt, run - prompt) || context.n == 1;
        uint32_t length = run_length(info + run, n - run, kept_marks);
        for (uint32_t k = 0; k < kept_marks; k++) text_append(visible, SHOWS_NOTHING, info[run + k].cluster);
        generate(&context, visible, info + run + kept_marks, length - kept_marks, skip_space);
        i = run + length;
    }
    trace->unfinished = context.out_of_budget;
    free(context.tokens);
    free(context.starts);
}
