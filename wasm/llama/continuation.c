#include "continuation.h"

#include "memory.h"
#include "tokenizer.h"
#include "unicode.h"

/* The tokens of all that is visible so far: BOS, then prompt, continuation, prompt, ... */
struct context {
    struct sampler *sampler;
    const struct model *model;
    const struct feature *features;
    uint32_t n_features;
    uint32_t *tokens;
    uint32_t n;
    uint64_t hash; /* of the tokens */
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
    memmove(context->tokens + 1, context->tokens + 1 + dropped, (context->n - 1) * sizeof *context->tokens);
}

/* Encodes typed text onto the context. Returns whether it ended with spaces: they are left out, since a vocabulary has
 * its spaces at the beginning of words, and the first token brings its own. */
static bool read_prompt(struct context *context, const struct glyph_info *info, uint32_t n) {
    uint32_t typed = n, window = prompt_window(context->model);
    while (n && info[n - 1].codepoint == ' ') n--;
    bool trailing_space = n < typed;
    if (n > window) {
        uint32_t skipped = in_steps(n - window, window / 2);
        info += skipped;
        n -= skipped;
    }
    uint32_t *codepoints = malloc(n * sizeof *codepoints);
    if (codepoints) {
        for (uint32_t i = 0; i < n; i++) codepoints[i] = info[i].codepoint;
        context->n += tokenizer_encode(context->model, codepoints, n, context->n == 1, context->tokens + context->n);
        free(codepoints);
    }
    keep_end(context);
    context->hash = HASH_OF_NOTHING;
    for (uint32_t i = 0; i < context->n; i++) context->hash = hash_token(context->hash, context->tokens[i]);
    return trailing_space;
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

/* The token after the context, `another` times the next in line; NO_TOKEN when the budget ran out. */
static uint32_t choose(struct context *context, const struct options *options, uint32_t another) {
    struct rejected rejected = {.n = 0};
    for (;;) {
        uint32_t token = sample(context->sampler, context->tokens, context->n, context->hash, options, &rejected,
                                &context->budget);
        if (token == NO_TOKEN || rejected.n == another || rejected.n == MOST_REJECTED) return token;
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
        uint32_t cluster = marks[i].cluster, another = 0;
        while (i + 1 + another < n && marks[i + 1 + another].codepoint == ANOTHER) another++;
        struct options options = options_at(context->features, context->n_features, cluster);
        uint32_t token = context->out_of_budget ? NO_TOKEN : choose(context, &options, another);
        if (token == NO_TOKEN) {
            context->out_of_budget = true;
            text_append(visible, ELLIPSIS, cluster);
            i++;
            break;
        }
        if (token == h->bos_token || token == h->eos_token) break;
        context->tokens[context->n++] = token;
        context->hash = hash_token(context->hash, token);
        if (options.boundaries) text_append(visible, BOUNDARY, cluster);
        show(visible, context->model, token, cluster, skip_space, &decoder);
        skip_space = false;
        for (i++; another; another--, i++) text_append(visible, SHOWS_NOTHING, marks[i].cluster);
    }
    for (; i < n; i++) text_append(visible, SHOWS_NOTHING, marks[i].cluster);
}

void continue_text(struct text *visible, struct sampler *sampler, const struct glyph_info *info, uint32_t n,
                   uint32_t kept_marks, const struct feature *features, uint32_t n_features, uint32_t budget) {
    const struct model *model = &sampler->transformer->model;
    struct context context = {
        .sampler = sampler, .model = model, .features = features, .n_features = n_features, .budget = budget};
    /* A full context and what a prompt adds to it, in the worst case of four byte tokens for each code point. */
    context.tokens = malloc((model->header.context_length + 4 * prompt_window(model) + 8) * sizeof *context.tokens);
    visible->failed |= !context.tokens;
    if (visible->failed) return;
    context.tokens[context.n++] = model->header.bos_token;

    uint32_t prompt = 0; /* where the typed text since the last continuation begins */
    for (uint32_t i = 0; i < n && !visible->failed;) {
        uint32_t run = run_length(info + i, n - i, kept_marks);
        if (!run) {
            /* Marks that are no run: all at once, so that a long row of them is not counted again and again. */
            do {
                text_append(visible, info[i].codepoint, info[i].cluster);
                i++;
            } while (i < n && info[i].codepoint == MORE && info[i - 1].codepoint == MORE);
            continue;
        }
        bool skip_space = false;
        if (!context.out_of_budget) skip_space = read_prompt(&context, info + prompt, i - prompt) || context.n == 1;
        for (uint32_t k = 0; k < kept_marks; k++) text_append(visible, SHOWS_NOTHING, info[i + k].cluster);
        generate(&context, visible, info + i + kept_marks, run - kept_marks, skip_space);
        i += run;
        prompt = i;
    }
    free(context.tokens);
}
