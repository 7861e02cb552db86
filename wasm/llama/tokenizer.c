#include "tokenizer.h"

#include "memory.h"
#include "unicode.h"

#define NONE 0xFFFFFFFFu

/* A run of text that is one piece so far, in a doubly linked list in text order. */
struct symbol {
    uint32_t start, length; /* bytes of the text; length 0: merged into the one before it */
    uint32_t codepoint;     /* index of its first one in what was typed */
    uint32_t previous, next;
};

/* Two neighbours whose joint text is a piece; out of date once either has changed, which `length` shows. */
struct merge {
    float score;
    uint32_t left, length;
};

struct encoder {
    const struct model *model;
    uint8_t *text;
    struct symbol *symbols;
    struct merge *heap; /* the best merge first */
    uint32_t n_merges;
    uint8_t *halves; /* [vocab_size]: of an unused piece, bytes of the left one of what it was last thought to be made
                        of; written before it is read, since no unused piece is made that was not considered */
};

static const uint8_t *piece(const struct model *model, uint32_t token, uint32_t *length) {
    *length = model->piece_offsets[token + 1] - model->piece_offsets[token];
    return model->piece_bytes + model->piece_offsets[token];
}

/* The normal or unused piece of these bytes, the first of equals, or NO_TOKEN. */
static uint32_t find_piece(const struct model *model, const uint8_t *bytes, uint32_t length) {
    uint32_t low = 0, high = model->header.n_ordered_pieces;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, n;
        const uint8_t *candidate = piece(model, model->piece_order[middle], &n);
        int order = memcmp(candidate, bytes, n < length ? n : length);
        if (order < 0 || (order == 0 && n < length)) low = middle + 1;
        else high = middle;
    }
    if (low == model->header.n_ordered_pieces) return NO_TOKEN;
    uint32_t token = model->piece_order[low], n;
    const uint8_t *candidate = piece(model, token, &n);
    return n == length && memcmp(candidate, bytes, n) == 0 ? token : NO_TOKEN;
}

static bool better(const struct merge *a, const struct merge *b) {
    return a->score > b->score || (a->score == b->score && a->left < b->left);
}

static void push(struct encoder *e, struct merge merge) {
    uint32_t i = e->n_merges++;
    for (; i && better(&merge, &e->heap[(i - 1) / 2]); i = (i - 1) / 2) e->heap[i] = e->heap[(i - 1) / 2];
    e->heap[i] = merge;
}

static struct merge pop(struct encoder *e) {
    struct merge best = e->heap[0], last = e->heap[--e->n_merges];
    uint32_t i = 0, child;
    for (; (child = 2 * i + 1) < e->n_merges; i = child) {
        if (child + 1 < e->n_merges && better(&e->heap[child + 1], &e->heap[child])) child++;
        if (!better(&e->heap[child], &last)) break;
        e->heap[i] = e->heap[child];
    }
    e->heap[i] = last;
    return best;
}

static void consider(struct encoder *e, uint32_t left, uint32_t right) {
    if (left == NONE || right == NONE) return;
    uint32_t start = e->symbols[left].start;
    uint32_t length = e->symbols[left].length + e->symbols[right].length;
    uint32_t token = length <= 255 ? find_piece(e->model, e->text + start, length) : NO_TOKEN;
    if (token == NO_TOKEN) return;
    push(e, (struct merge){e->model->piece_scores[token], left, length});
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
        e->symbols[count] = (struct symbol){bytes, length, i ? i - prefix : 0, count ? count - 1 : NONE, count + 1};
        bytes += length;
        count++;
    }
    if (collapse && after_space && count) count--; /* also the prefix of a text that is nothing but spaces */
    if (count) e->symbols[count - 1].next = NONE;
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
    while (e->n_merges) {
        struct merge best = pop(e);
        struct symbol *left = &e->symbols[best.left];
        if (left->length == 0 || left->next == NONE) continue;
        struct symbol *right = &e->symbols[left->next];
        if (left->length + right->length != best.length) continue;
        left->length = best.length;
        right->length = 0;
        left->next = right->next;
        if (left->next != NONE) e->symbols[left->next].previous = best.left;
        consider(e, left->previous, best.left);
        consider(e, best.left, left->next);
    }
    if (n_symbols) split_unused(e, n_symbols);
}

/* What is no piece falls back to the tokens of its bytes, or to the unknown token. */
static uint32_t write_tokens(const struct encoder *e, uint32_t *tokens, uint32_t *starts) {
    const struct model *model = e->model;
    uint32_t n = 0;
    for (uint32_t i = 0; i != NONE; i = e->symbols[i].next) {
        const uint8_t *bytes = e->text + e->symbols[i].start;
        uint32_t token = find_piece(model, bytes, e->symbols[i].length);
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

uint32_t tokenizer_encode(const struct model *model, const uint32_t *codepoints, uint32_t n, bool at_start,
                          uint32_t *tokens, uint32_t *starts) {
    uint32_t symbols = n + 1, written = 0;
    if (!n) return 0;
    struct encoder e = {.model = model};
    e.text = malloc(4 * (size_t)symbols);
    e.symbols = malloc(symbols * sizeof *e.symbols);
    e.heap = malloc(3 * (size_t)symbols * sizeof *e.heap); /* a merge adds at most two to the first symbols - 1 */
    if (e.text && e.symbols && e.heap) {
        symbols = split(&e, codepoints, n, at_start);
        merge_all(&e, symbols);
        if (symbols) written = write_tokens(&e, tokens, starts);
    }
    free(e.halves);
    free(e.heap);
    free(e.symbols);
    free(e.text);
    return written;
}

static uint8_t hexadecimal(uint8_t digit) {
    if (digit <= '9') return digit - '0';
    return (digit | 0x20) - 'a' + 10;
}

uint32_t tokenizer_decode(const struct model *model, uint32_t token, uint8_t bytes[255]) {
    uint32_t length;
    const uint8_t *source = piece(model, token, &length);
    switch (model->piece_kinds[token]) {
    case PIECE_CONTROL:
        return 0;
    case PIECE_UNKNOWN:
        return utf8_encode(REPLACEMENT_CHARACTER, bytes);
    case PIECE_BYTE: /* "<0xNN>" */
        if (length != 6) return 0;
        bytes[0] = (uint8_t)(hexadecimal(source[3]) << 4 | hexadecimal(source[4]));
        return 1;
    default:
        memcpy(bytes, source, length);
        return length;
    }
}
