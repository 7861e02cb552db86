#include "continuation.h"

#include "memory.h"
#include "tokenizer.h"
#include "unicode.h"

#define ZERO_WIDTH_SPACE 0x200Bu /* HarfBuzz shows it as nothing, and it keeps a caret position for its mark */
#define ELLIPSIS 0x2026u

/* The tokens of all that is visible so far: BOS, then prompt, continuation, prompt, ... */
struct context {
    struct engine *engine;
    uint32_t *tokens;
    uint32_t n, capacity;
    uint32_t budget;
};

uint32_t run_length(const struct glyph_info *text, uint32_t n) {
    uint32_t length = 0;
    while (length < n && text[length].codepoint == MARK) length++;
    return length;
}

static void append(struct visible_text *visible, uint32_t codepoint, uint32_t cluster) {
    if (visible->length == visible->capacity) {
        uint32_t capacity = visible->capacity ? 2 * visible->capacity : 256;
        struct glyph_info *info = malloc(capacity * sizeof *info);
        visible->failed |= !info;
        if (!info) return;
        memcpy(info, visible->info, visible->length * sizeof *info);
        free(visible->info);
        visible->info = info;
        visible->capacity = capacity;
    }
    visible->info[visible->length++] = (struct glyph_info){.codepoint = codepoint, .cluster = cluster};
}

/* ---- The prompt ---- */

/* Of a long prompt only the end is read: up to `window` code points. The beginning moves in large steps, so that most
 * keystrokes leave it, and with it the cached tokens, where it was. */
static uint32_t skipped_codepoints(uint32_t n, uint32_t window) {
    if (n <= window) return 0;
    uint32_t step = window / 2;
    return (n - window + step - 1) / step * step;
}

/* Likewise tokens: three quarters of the context at most are prompt, the rest is room for the continuation. */
static void keep_end(struct context *context) {
    uint32_t length = context->engine->model.header.context_length;
    uint32_t most = length - length / 4, step = length / 8 ? length / 8 : 1;
    if (context->n <= most) return;
    uint32_t dropped = (context->n - most + step - 1) / step * step;
    if (dropped > context->n - 1) dropped = context->n - 1;
    context->n -= dropped;
    memmove(context->tokens + 1, context->tokens + 1 + dropped, (context->n - 1) * sizeof *context->tokens);
}

static uint32_t prompt_window(const struct engine *engine) {
    uint32_t window = 16 * engine->model.header.context_length;
    return window < 1024 ? 1024 : window > 16384 ? 16384 : window;
}

/* Encodes typed text onto the context. Returns whether it ended with spaces: they are left out, since a vocabulary has
 * its spaces at the beginning of words, and the first token brings its own. */
static bool read_prompt(struct context *context, const struct glyph_info *text, uint32_t n) {
    const struct model *model = &context->engine->model;
    uint32_t typed = n;
    while (n && text[n - 1].codepoint == ' ') n--;
    bool trailing_space = n < typed;
    uint32_t skipped = skipped_codepoints(n, prompt_window(context->engine));
    text += skipped;
    n -= skipped;

    uint32_t *codepoints = malloc(n * sizeof *codepoints + 1);
    if (codepoints) {
        for (uint32_t i = 0; i < n; i++) codepoints[i] = text[i].codepoint;
        context->n += tokenizer_encode(model, codepoints, n, context->n == 1, context->tokens + context->n);
        free(codepoints);
    }
    keep_end(context);
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
static void show(struct visible_text *visible, const struct model *model, uint32_t token, uint32_t cluster,
                 bool skip_space, struct utf8_decoder *decoder) {
    uint8_t bytes[255];
    uint32_t before = visible->length;
    uint32_t n = tokenizer_decode(model, token, bytes);
    for (uint32_t i = skip_space && n && bytes[0] == ' '; i < n; i++) {
        uint32_t codepoints[2], count = utf8_decode(decoder, bytes[i], codepoints);
        for (uint32_t j = 0; j < count; j++) append(visible, shown(codepoints[j]), cluster);
    }
    if (visible->length == before) append(visible, ZERO_WIDTH_SPACE, cluster);
}

/* Replaces the marks that are left of a run by tokens, one each, until the story or the context ends. */
static void generate(struct context *context, struct visible_text *visible, const struct glyph_info *marks, uint32_t n,
                     bool skip_space) {
    const struct model_header *h = &context->engine->model.header;
    struct utf8_decoder decoder = {0};
    uint32_t i = 0;
    for (; i < n && context->n <= h->context_length; i++) {
        uint32_t token = engine_next_token(context->engine, context->tokens, context->n, &context->budget);
        if (token == NO_TOKEN) {
            append(visible, ELLIPSIS, marks[i++].cluster);
            break;
        }
        if (token == h->bos_token || token == h->eos_token) break;
        context->tokens[context->n++] = token;
        show(visible, &context->engine->model, token, marks[i].cluster, skip_space && i == 0, &decoder);
    }
    for (; i < n; i++) append(visible, ZERO_WIDTH_SPACE, marks[i].cluster);
}

void continue_text(struct engine *engine, const struct glyph_info *text, uint32_t n, uint32_t kept_marks, uint32_t budget,
                   struct visible_text *visible) {
    struct context context = {.engine = engine, .budget = budget};
    /* What a prompt adds to a full context, in the worst case of four byte tokens for each code point. */
    context.capacity = engine->model.header.context_length + 4 * prompt_window(engine) + 8;
    context.tokens = malloc(context.capacity * sizeof *context.tokens);
    visible->failed |= !context.tokens;
    if (visible->failed) return;
    context.tokens[context.n++] = engine->model.header.bos_token;

    uint32_t prompt = 0; /* where the typed text since the last continuation begins */
    for (uint32_t i = 0; i < n && !visible->failed;) {
        uint32_t run = run_length(text + i, n - i);
        if (run <= kept_marks) {
            append(visible, text[i].codepoint, text[i].cluster);
            i++;
            continue;
        }
        bool skip_space = read_prompt(&context, text + prompt, i - prompt) || context.n == 1;
        for (uint32_t k = 0; k < kept_marks; k++) append(visible, ZERO_WIDTH_SPACE, text[i + k].cluster);
        generate(&context, visible, text + i + kept_marks, run - kept_marks, skip_space);
        i += run;
        prompt = i;
    }
    free(context.tokens);
}
