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

/* Of ASCII; other characters have no case. */
uint32_t lower_case(uint32_t c);
bool is_digit(uint32_t c);
bool is_letter(uint32_t c);

/* The character here, or after `ahead` others; NO_CHARACTER behind the end. */
uint32_t scan_peek(const struct scan *scan);
uint32_t scan_peek_at(const struct scan *scan, uint32_t ahead);

/* Takes one character if it is this. */
bool scan_character(struct scan *scan, uint32_t c);

/* A word, which is given in small letters, in whatever case it was typed: phones begin lines with a capital. */
bool scan_word(struct scan *scan, const char *word);

/* A decimal number in low .. high. */
bool scan_number(struct scan *scan, uint32_t low, uint32_t high, uint32_t *number);

#endif
