/* Reads words and numbers from what was typed, one code point at a time. A reading that fails leaves the place where it
 * was. */
#ifndef SCAN_H
#define SCAN_H

#include <stdbool.h>

#include "harfbuzz.h"

#define NO_CHARACTER 0xFFFFFFFFu

struct scan {
    const struct glyph_info *text;
    uint32_t length, at;
};

static inline uint32_t lower_case(uint32_t c) { return c - 'A' < 26 ? c + 32 : c; }
static inline bool is_digit(uint32_t c) { return c - '0' < 10; }
static inline bool is_letter(uint32_t c) { return lower_case(c) - 'a' < 26; }

/* The character after `ahead` others, or NO_CHARACTER behind the end. */
static inline uint32_t scan_peek_at(const struct scan *scan, uint32_t ahead) {
    return ahead < scan->length - scan->at ? scan->text[scan->at + ahead].codepoint : NO_CHARACTER;
}

static inline uint32_t scan_peek(const struct scan *scan) { return scan_peek_at(scan, 0); }

/* Takes one character if it is this. */
static inline bool scan_character(struct scan *scan, uint32_t c) { return scan_peek(scan) == c ? scan->at++, true : false; }

/* A word, which is given in small letters, in whatever case it was typed: phones begin lines with a capital. */
static inline bool scan_word(struct scan *scan, const char *word) {
    uint32_t n = 0;
    for (; word[n]; n++)
        if (lower_case(scan_peek_at(scan, n)) != (uint8_t)word[n]) return false;
    scan->at += n;
    return true;
}

/* A decimal number in low .. high. */
static inline bool scan_number(struct scan *scan, uint32_t low, uint32_t high, uint32_t *number) {
    uint32_t start = scan->at, value = 0;
    for (; is_digit(scan_peek(scan)) && value <= high; scan->at++) value = 10 * value + (scan_peek(scan) - '0');
    if (scan->at > start && low <= value && value <= high) return *number = value, true;
    scan->at = start;
    return false;
}

#endif
