#include "scan.h"

uint32_t lower_case(uint32_t c) { return c - 'A' < 26 ? c + 32 : c; }
bool is_digit(uint32_t c) { return c - '0' < 10; }
bool is_letter(uint32_t c) { return lower_case(c) - 'a' < 26; }

uint32_t scan_peek_at(const struct scan *scan, uint32_t ahead) {
    return ahead < scan->length - scan->at ? scan->text[scan->at + ahead].codepoint : NO_CHARACTER;
}

uint32_t scan_peek(const struct scan *scan) { return scan_peek_at(scan, 0); }

bool scan_character(struct scan *scan, uint32_t c) {
    bool is_here = scan_peek(scan) == c;
    scan->at += is_here;
    return is_here;
}

bool scan_word(struct scan *scan, const char *word) {
    uint32_t n = 0;
    for (; word[n]; n++)
        if (lower_case(scan_peek_at(scan, n)) != (uint8_t)word[n]) return false;
    scan->at += n;
    return true;
}

bool scan_number(struct scan *scan, uint32_t low, uint32_t high, uint32_t *number) {
    uint32_t start = scan->at, value = 0;
    for (; is_digit(scan_peek(scan)) && value <= high; scan->at++) value = 10 * value + (scan_peek(scan) - '0');
    if (scan->at > start && low <= value && value <= high) return *number = value, true;
    scan->at = start;
    return false;
}
