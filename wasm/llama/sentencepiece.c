#include "memory.h"
#include "merge_queue.h"
#include "tokenizer.h"
#include "unicode.h"

struct encoder {
    const struct model *model;
    uint8_t *text;
    struct symbol *symbols;
    struct merge_queue queue;
    uint8_t *halves; /* [vocab_size]: of an unused piece, bytes of the left one of what it was last thought to be made
                        of; written before it is read, since no unused piece is made that was not considered */
};

static void consider(struct encoder *e, uint32_t left, uint32_t right) {
    if (left == NONE || right == NONE) return;
    if (e->symbols[left].token != NO_TOKEN || e->symbols[right].token != NO_TOKEN) return; /* user-defined */
    uint32_t start = e->symbols[left].start;
    uint32_t length = e->symbols[left].length + e->symbols[right].length;
    uint32_t token = length <= 255 ? find_piece(e->model, e->text + start, length) : NO_TOKEN;
    if (token == NO_TOKEN) return;
    push_merge(&e->queue, (struct merge){e->model->piece_scores[token], left, length, NO_TOKEN});
    if (e->model->piece_kinds[token] != PIECE_UNUSED) return;
    if (!e->halves) e->halves = malloc(e->model->header.vocab_size);
    if (e->halves) e->halves[token] = (uint8_t)e->symbols[left].length;
}

/* Splits the text into one symbol per code point, with the vocabulary's idea of spaces; returns how many. */
static uint32_t split(struct encoder *e, const uint32_t *codepoints, uint32_t n, bool at_start) {
    uint32_t flags = e->model->header.flags, count = 0, bytes = 0;
    bool prefix = at_start && (flags & FLAG_DUMMY_PREFIX);
    if (prefix && n && (flags & FLAG_PREFIX_UNLESS_SPACE)) prefix = codepoints[0] != ' ' && codepoints[0] != 0x2581;
    bool collapse = flags & FLAG_REMOVE_EXTRA_WHITESPACES, after_space = at_start;
    for (uint32_t i = 0; i < n + prefix; i++) {
        uint32_t c = prefix && i == 0 ? ' ' : scalar_value(codepoints[i - prefix]);
        if (c == 0x2581) c = ' ';
        if (collapse && c == ' ' && after_space && !(prefix && i == 0)) continue;
        after_space = c == ' ';
        uint32_t length = utf8_encode(c, e->text + bytes);
        uint32_t codepoint = i ? i - prefix : 0, previous = count ? count - 1 : NONE;
        e->symbols[count] = (struct symbol){bytes, length, codepoint, previous, count + 1, NO_TOKEN};
        bytes += length;
        count++;
    }
    if (collapse && after_space && count) count--; /* also the prefix of a text that is nothing but spaces */
    if (count) e->symbols[count - 1].next = NONE;
    return count;
}

/* Makes one symbol, which has its token, of those that are a user-defined piece; returns how many are left. */
static uint32_t take_user_defined(struct encoder *e, uint32_t n) {
    if (!e->model->longest_user_defined || !n) return n;
    uint32_t count = 0, end = e->symbols[n - 1].start + e->symbols[n - 1].length;
    for (uint32_t i = 0; i < n; count++) {
        struct symbol symbol = e->symbols[i++];
        symbol.token = find_user_defined(e->model, e->text + symbol.start, end - symbol.start);
        if (symbol.token != NO_TOKEN) model_piece(e->model, symbol.token, &symbol.length);
        while (i < n && e->symbols[i].start < symbol.start + symbol.length) i++;
        symbol.previous = count ? count - 1 : NONE;
        symbol.next = i < n ? count + 1 : NONE;
        e->symbols[count] = symbol;
    }
    return count;
}

/* sentencepiece merges through unused pieces, and in the end splits them again (bpe_model.cc, `resegment`). */
static void split_unused(struct encoder *e, uint32_t n_symbols) {
    for (uint32_t i = 0; e->halves && i != NONE;) {
        struct symbol *symbol = &e->symbols[i];
        uint32_t token = find_piece(e->model, e->text + symbol->start, symbol->length);
        bool several = i + 1 < n_symbols && e->symbols[i + 1].start < symbol->start + symbol->length;
        if (token == NO_TOKEN || e->model->piece_kinds[token] != PIECE_UNUSED || !several) {
            i = symbol->next;
            continue;
        }
        uint32_t right = i + 1, left_length = e->halves[token];
        while (e->symbols[right].start < symbol->start + left_length) right++;
        e->symbols[right].length = symbol->length - left_length;
        e->symbols[right].next = symbol->next;
        symbol->length = left_length;
        symbol->next = right;
    }
}

static void merge_all(struct encoder *e, uint32_t n_symbols) {
    for (uint32_t i = 1; i < n_symbols; i++) consider(e, i - 1, i);
    while (e->queue.n) {
        struct merge best = pop_merge(&e->queue);
        uint32_t made = make_merge(e->symbols, &best);
        if (made == NONE) continue;
        consider(e, e->symbols[made].previous, made);
        consider(e, made, e->symbols[made].next);
    }
    if (n_symbols) split_unused(e, n_symbols);
}

/* What is no piece falls back to the tokens of its bytes, or to the unknown token. */
static uint32_t write_tokens(const struct encoder *e, uint32_t *tokens, uint32_t *starts) {
    const struct model *model = e->model;
    uint32_t n = 0;
    for (uint32_t i = 0; i != NONE; i = e->symbols[i].next) {
        const uint8_t *bytes = e->text + e->symbols[i].start;
        uint32_t token = e->symbols[i].token;
        if (token == NO_TOKEN) token = find_piece(model, bytes, e->symbols[i].length);
        if (token != NO_TOKEN) {
            starts[n] = e->symbols[i].codepoint;
            tokens[n++] = token;
            continue;
        }
        for (uint32_t j = 0; j < e->symbols[i].length; j++) {
            token = model->byte_tokens[bytes[j]];
            if (token == NO_TOKEN) {
                token = model->header.unk_token;
                if (token == NO_TOKEN || (n && tokens[n - 1] == token)) continue;
            }
            starts[n] = e->symbols[i].codepoint;
            tokens[n++] = token;
        }
    }
    return n;
}

uint32_t sentencepiece_encode(const struct model *model, const uint32_t *codepoints, uint32_t n, bool at_start,
                              uint32_t *tokens, uint32_t *starts) {
    uint32_t symbols = n + 1, written = 0;
    struct encoder e = {.model = model};
    e.text = malloc(4 * (size_t)symbols);
    e.symbols = malloc(symbols * sizeof *e.symbols);
    e.queue.heap = malloc(3 * (size_t)symbols * sizeof *e.queue.heap);
    if (e.text && e.symbols && e.queue.heap) {
        symbols = take_user_defined(&e, split(&e, codepoints, n, at_start));
        merge_all(&e, symbols);
        if (symbols) written = write_tokens(&e, tokens, starts);
    }
    free(e.halves);
    free(e.queue.heap);
    free(e.symbols);
    free(e.text);
    return written;
}
