#include "pre_tokenizer.h"

static uint8_t class_of(const struct model *model, uint32_t codepoint) {
    uint32_t low = 0, high = model->header.n_character_classes; /* the entries below `low` begin at or before it */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (model->character_classes[middle] >> 2 <= codepoint) low = middle + 1;
        else high = middle;
    }
    return low ? model->character_classes[low - 1] & 3 : CLASS_OTHER;
}

void classify_characters(const struct model *model, const uint32_t *codepoints, uint32_t n, uint8_t *classes) {
    for (uint32_t i = 0; i < n; i++) classes[i] = class_of(model, codepoints[i]);
}

/* What an expression looks at: the text from `i` on. */
struct rest {
    const uint32_t *codepoints;
    const uint8_t *classes;
    uint32_t i, n;
};

static bool is(const struct rest *rest, uint32_t i, uint8_t class) { return i < rest->n && rest->classes[i] == class; }

static bool is_line_end(const struct rest *rest, uint32_t i) {
    return i < rest->n && (rest->codepoints[i] == '\n' || rest->codepoints[i] == '\r');
}

static uint32_t skip(const struct rest *rest, uint32_t i, uint8_t class, uint32_t most) {
    for (; most && is(rest, i, class); most--) i++;
    return i;
}

#define ALL 0xFFFFFFFFu

/* 's|'t|'re|'ve|'m|'ll|'d: where it ends, or where it would begin. */
static uint32_t skip_contraction(const struct rest *rest, bool any_case) {
    static const char endings[][3] = {"s", "t", "re", "ve", "m", "ll", "d"};
    if (rest->codepoints[rest->i] != '\'') return rest->i;
    for (uint32_t e = 0; e < sizeof endings / sizeof *endings; e++) {
        uint32_t length = 0;
        while (endings[e][length] && rest->i + 1 + length < rest->n) {
            uint32_t c = rest->codepoints[rest->i + 1 + length];
            if (any_case && c >= 'A' && c <= 'Z') c |= 0x20;
            if (c != (uint32_t)endings[e][length]) break;
            length++;
        }
        if (!endings[e][length]) return rest->i + 1 + length;
    }
    return rest->i;
}

/* \s+(?!\S)|\s+: all white space at the end of the text, else all but the last, which may belong to what follows. */
static uint32_t skip_white_space(const struct rest *rest) {
    uint32_t end = skip(rest, rest->i, CLASS_WHITE_SPACE, ALL);
    return end < rest->n && end - rest->i > 1 ? end - 1 : end;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static uint32_t gpt_2(const struct rest *rest) {
    uint32_t end = skip_contraction(rest, false);
    if (end > rest->i) return end;
    uint32_t start = rest->i + (rest->codepoints[rest->i] == ' ');
    if (start < rest->n && rest->classes[start] != CLASS_WHITE_SPACE)
        return skip(rest, start, rest->classes[start], ALL);
    return skip_white_space(rest);
}

/* \p{N} first, then what is between numbers as GPT-2 does. */
static uint32_t smollm(const struct rest *rest) {
    if (is(rest, rest->i, CLASS_NUMBER)) return rest->i + 1;
    struct rest between = *rest;
    between.n = rest->i;
    while (between.n < rest->n && rest->classes[between.n] != CLASS_NUMBER) between.n++;
    return gpt_2(&between);
}

/* (?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}|
 *  ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
static uint32_t llama_bpe(const struct rest *rest, uint32_t digits) {
    uint32_t i = rest->i, end = skip_contraction(rest, true);
    if (end > i) return end;
    bool before_letters = !is_line_end(rest, i) && !is(rest, i, CLASS_NUMBER) && is(rest, i + 1, CLASS_LETTER);
    if (is(rest, i, CLASS_LETTER) || before_letters) return skip(rest, i + 1, CLASS_LETTER, ALL);
    if (is(rest, i, CLASS_NUMBER)) return skip(rest, i, CLASS_NUMBER, digits);
    uint32_t start = i + (rest->codepoints[i] == ' ');
    if (is(rest, start, CLASS_OTHER)) {
        end = skip(rest, start, CLASS_OTHER, ALL);
        while (is_line_end(rest, end)) end++;
        return end;
    }
    for (end = skip(rest, i, CLASS_WHITE_SPACE, ALL); end > i; end--)
        if (is_line_end(rest, end - 1)) return end;
    return skip_white_space(rest);
}

uint32_t split_end(uint32_t pre_tokenizer, const uint32_t *codepoints, const uint8_t *classes, uint32_t i, uint32_t n) {
    struct rest rest = {codepoints, classes, i, n};
    switch (pre_tokenizer) {
    case PRE_SMOLLM: return smollm(&rest);
    case PRE_LLAMA_BPE: return llama_bpe(&rest, 3);
    case PRE_QWEN2: return llama_bpe(&rest, 1);
    default: return gpt_2(&rest);
    }
}
