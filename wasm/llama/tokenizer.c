#include "tokenizer.h"

#include "memory.h"
#include "unicode.h"

uint32_t find_piece(const struct model *model, const uint8_t *bytes, uint32_t length) {
    uint32_t low = 0, high = model->header.n_ordered_pieces;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, n;
        const uint8_t *candidate = model_piece(model, model->piece_order[middle], &n);
        int order = memcmp(candidate, bytes, n < length ? n : length);
        if (order < 0 || (order == 0 && n < length)) low = middle + 1;
        else high = middle;
    }
    if (low == model->header.n_ordered_pieces) return NO_TOKEN;
    uint32_t token = model->piece_order[low], n;
    const uint8_t *candidate = model_piece(model, token, &n);
    return n == length && memcmp(candidate, bytes, n) == 0 ? token : NO_TOKEN;
}

uint32_t find_user_defined(const struct model *model, const uint8_t *bytes, uint32_t length) {
    if (length > model->longest_user_defined) length = model->longest_user_defined;
    for (; length; length--) {
        uint32_t token = find_piece(model, bytes, length);
        if (token != NO_TOKEN && model->piece_kinds[token] == PIECE_USER_DEFINED) return token;
    }
    return NO_TOKEN;
}

uint32_t tokenizer_encode(const struct model *model, const uint32_t *codepoints, uint32_t n, bool at_start,
                          uint32_t *tokens, uint32_t *starts) {
    if (!n) return 0;
    if (model->header.pre_tokenizer != PRE_SENTENCEPIECE)
        return byte_level_encode(model, codepoints, n, tokens, starts);
    return sentencepiece_encode(model, codepoints, n, at_start, tokens, starts);
}

static uint8_t hexadecimal(uint8_t digit) {
    if (digit <= '9') return digit - '0';
    return (digit | 0x20) - 'a' + 10;
}

uint32_t tokenizer_decode(const struct model *model, uint32_t token, uint8_t bytes[255]) {
    uint32_t length;
    const uint8_t *source = model_piece(model, token, &length);
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
