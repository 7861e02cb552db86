#include "memory.h"
#include "merge_queue.h"
#include "pre_tokenizer.h"
#include "tokenizer.h"
#include "unicode.h"

struct encoder {
    const struct model *model;
    uint8_t *text;           /* UTF-8 */
    uint32_t *codepoint_of;  /* of each byte of it */
    struct symbol *symbols;
    struct merge_queue queue;
    uint32_t *tokens, *starts, n_tokens;
};

/* The merge of two tokens, or NULL. */
static const struct merge_rule *find_merge(const struct model *model, uint32_t left, uint32_t right) {
    uint32_t low = 0, high = model->header.n_merges;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct merge_rule *rule = &model->merges[middle];
        if (rule->left < left || (rule->left == left && rule->right < right)) low = middle + 1;
        else high = middle;
    }
    if (low == model->header.n_merges) return NULL;
    const struct merge_rule *rule = &model->merges[low];
    return rule->left == left && rule->right == right ? rule : NULL;
}

static void consider(struct encoder *e, uint32_t left, uint32_t right) {
    if (left == NONE || right == NONE) return;
    const struct symbol *a = &e->symbols[left], *b = &e->symbols[right];
    const struct merge_rule *rule = find_merge(e->model, a->token, b->token);
    if (rule) push_merge(&e->queue, (struct merge){-(float)rule->rank, left, a->length + b->length, rule->made});
}

/* A symbol for each byte that has a token; returns how many. */
static uint32_t split_bytes(struct encoder *e, uint32_t start, uint32_t end) {
    const struct model *model = e->model;
    uint32_t count = 0;
    for (uint32_t i = start; i < end; i++) {
        uint32_t token = model->byte_tokens[e->text[i]];
        if (token == NO_TOKEN) token = model->header.unk_token;
        if (token == NO_TOKEN) continue;
        e->symbols[count] = (struct symbol){i, 1, e->codepoint_of[i], count ? count - 1 : NONE, count + 1, token};
        count++;
    }
    if (count) e->symbols[count - 1].next = NONE;
    return count;
}

static void write_token(struct encoder *e, uint32_t token, uint32_t codepoint) {
    e->starts[e->n_tokens] = codepoint;
    e->tokens[e->n_tokens++] = token;
}

static void encode_split(struct encoder *e, uint32_t start, uint32_t end) {
    if (e->model->header.flags & FLAG_IGNORE_MERGES && end - start <= 255) {
        uint32_t whole = find_piece(e->model, e->text + start, end - start);
        if (whole != NO_TOKEN && e->model->piece_kinds[whole] == PIECE_NORMAL) {
            write_token(e, whole, e->codepoint_of[start]);
            return;
        }
    }
    uint32_t count = split_bytes(e, start, end);
    for (uint32_t i = 1; i < count; i++) consider(e, i - 1, i);
    while (e->queue.n) {
        struct merge best = pop_merge(&e->queue);
        uint32_t made = make_merge(e->symbols, &best);
        if (made == NONE) continue;
        consider(e, e->symbols[made].previous, made);
        consider(e, made, e->symbols[made].next);
    }
    for (uint32_t i = 0; count && i != NONE; i = e->symbols[i].next)
        write_token(e, e->symbols[i].token, e->symbols[i].codepoint);
}

/* Text between user-defined pieces, `n` code points that begin with byte `start`. */
static void encode_splits(struct encoder *e, const uint32_t *codepoints, const uint8_t *classes, uint32_t n,
                          uint32_t start) {
    uint32_t pre_tokenizer = e->model->header.pre_tokenizer;
    for (uint32_t i = 0; i < n;) {
        uint32_t next = split_end(pre_tokenizer, codepoints, classes, i, n), end = start;
        for (; i < next; i++) end += utf8_length(codepoints[i]);
        encode_split(e, start, end);
        start = end;
    }
}

static void encode_text(struct encoder *e, const uint32_t *codepoints, const uint8_t *classes, uint32_t n) {
    uint32_t bytes = 0, start = 0, first = 0; /* of what is not encoded yet: its first byte, and code point */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t end = bytes + utf8_encode(codepoints[i], e->text + bytes);
        while (bytes < end) e->codepoint_of[bytes++] = i;
    }
    for (uint32_t i = 0, at = 0, length; i < n && e->model->longest_user_defined;) {
        uint32_t token = find_user_defined(e->model, e->text + at, bytes - at), whole = i;
        if (token == NO_TOKEN) {
            at += utf8_length(codepoints[i++]);
            continue;
        }
        encode_splits(e, codepoints + first, classes + first, i - first, start);
        write_token(e, token, whole);
        model_piece(e->model, token, &length);
        for (start = at + length; i < n && at < start; i++) at += utf8_length(codepoints[i]);
        start = at;
        first = i;
    }
    encode_splits(e, codepoints + first, classes + first, n - first, start);
}

uint32_t byte_level_encode(const struct model *model, const uint32_t *codepoints, uint32_t n, uint32_t *tokens,
                           uint32_t *starts) {
    struct encoder e = {.model = model, .tokens = tokens, .starts = starts};
    uint32_t *scalars = malloc(n * sizeof *scalars);
    uint8_t *classes = malloc(n);
    e.text = malloc(4 * (size_t)n);
    e.codepoint_of = malloc(4 * (size_t)n * sizeof *e.codepoint_of);
    e.symbols = malloc(4 * (size_t)n * sizeof *e.symbols);
    e.queue.heap = malloc(12 * (size_t)n * sizeof *e.queue.heap);
    if (scalars && classes && e.text && e.codepoint_of && e.symbols && e.queue.heap) {
        for (uint32_t i = 0; i < n; i++) scalars[i] = scalar_value(codepoints[i]);
        classify_characters(model, scalars, n, classes);
        encode_text(&e, scalars, classes, n);
    }
    free(e.queue.heap);
    free(e.symbols);
    free(e.codepoint_of);
    free(e.text);
    free(classes);
    free(scalars);
    return e.n_tokens;
}
