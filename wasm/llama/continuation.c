#include "continuation.h"

#include "memory.h"
#include "tokenizer.h"
#include "unicode.h"

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

/* A character that no font shows as what it means. */
static uint32_t shown(uint32_t codepoint) {
    bool separator = codepoint < ' ' || codepoint == 0x85 || codepoint == 0x2028 || codepoint == 0x2029;
    return separator ? ' ' : codepoint;
}

/* How the first token of a run begins: where spaces were typed before it, without its own; in a frame, where it brings
 * none, after one that nobody typed. */
enum beginning { AS_IT_IS, WITHOUT_SPACE, AFTER_SPACE };

/* Shows a token under one cluster. Where it shows nothing, or only the beginning of a character, that is a zero-width
 * space. */
static void show(struct text *visible, const struct model *model, uint32_t token, uint32_t cluster,
                 enum beginning beginning, struct utf8_decoder *decoder) {
    uint8_t bytes[255];
    uint32_t before = visible->length;
    uint32_t n = tokenizer_decode(model, token, bytes);
    bool has_space = n && (bytes[0] == ' ' || bytes[0] == '\n');
    if (beginning == AFTER_SPACE && !has_space) text_append(visible, ' ', cluster);
    for (uint32_t i = beginning == WITHOUT_SPACE && n && bytes[0] == ' '; i < n; i++) {
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
                     enum beginning beginning) {
    struct utf8_decoder decoder = {0};
    uint32_t i = 0;
    while (i < n && context->n <= context->model->header.context_length && !visible->failed) {
        uint32_t cluster = marks[i].cluster, another = 0, token = NO_TOKEN;
        while (i + 1 + another < n && marks[i + 1 + another].codepoint == ANOTHER) another++;
        struct options options = context_options(context, cluster);
        if (!context->out_of_budget)
            token = choose_token(context->sampler, context->tokens, context->n, context->hash, &options, another,
                                 &context->budget);
        if (token == NO_TOKEN) {
            context->out_of_budget = true;
            text_append(visible, ELLIPSIS, cluster);
            i++;
            break;
        }
        bool ended = ends_run(context->sampler, token);
        context_append(context, token, ended, cluster, &options, another);
        if (ended) break;
        if (options.boundaries) text_append(visible, BOUNDARY, cluster);
        show(visible, context->model, token, cluster, beginning, &decoder);
        beginning = AS_IT_IS;
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

static enum beginning beginning_after(const struct context *context, const struct glyph_info *prompt, uint32_t n) {
    bool after_space = n && prompt[n - 1].codepoint == ' ';
    bool is_framed = context->request->settings->is_framed;
    if (after_space || (!is_framed && context_is_empty(context))) return WITHOUT_SPACE;
    return is_framed && n ? AFTER_SPACE : AS_IT_IS;
}

void continue_text(struct text *visible, struct trace *trace, struct sampler *sampler, const struct glyph_info *info,
                   uint32_t n, const struct request *request) {
    uint32_t kept_marks = request->settings->header.kept_marks;
    struct context context;
    visible->failed |= !context_open(&context, sampler, request, trace);
    for (uint32_t i = 0; i < n && !visible->failed;) {
        uint32_t prompt = i, run = find_run(info, i, n, kept_marks);
        if (run == n) {
            for (; i < n; i++) text_append(visible, info[i].codepoint, info[i].cluster);
            break;
        }
        context_read(&context, visible, info + prompt, run - prompt);
        enum beginning beginning = beginning_after(&context, info + prompt, run - prompt);
        uint32_t length = run_length(info + run, n - run, kept_marks);
        for (uint32_t k = 0; k < kept_marks; k++) text_append(visible, SHOWS_NOTHING, info[run + k].cluster);
        generate(&context, visible, info + run + kept_marks, length - kept_marks, beginning);
        i = run + length;
    }
    trace->unfinished = context.out_of_budget;
    context_close(&context);
}
