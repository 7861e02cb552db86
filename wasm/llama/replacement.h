/* Words that the font shows as others, such as "OpenSans" as "LLaMaSans". */
#ifndef REPLACEMENT_H
#define REPLACEMENT_H

#include "settings_table.h"
#include "text.h"

/* Whether some word to be replaced stands in the text. */
bool has_replacement(const struct settings *settings, const struct glyph_info *info, uint32_t n);

/* Appends the text with every word replaced, from left to right, of several at one place the longest. The clusters of
 * a word are spread over what replaces it, so that a caret moves through it in step. */
void replace_words(struct text *out, const struct settings *settings, const struct glyph_info *info, uint32_t n);

#endif
