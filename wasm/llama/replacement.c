#include "replacement.h"

static bool stands_here(const struct replacement *word, const struct glyph_info *info, uint32_t n) {
    if (word->from_length > n) return false;
    for (uint32_t i = 0; i < word->from_length; i++)
        if (info[i].codepoint != word->from[i]) return false;
    return true;
}

/* The word to be replaced at the beginning of the text, or NULL. */
static const struct replacement *find(const struct settings *settings, const struct glyph_info *info, uint32_t n) {
    uint32_t letter = info[0].codepoint % 256;
    if (!(settings->first_letters[letter / 32] >> letter % 32 & 1)) return NULL;
    for (uint32_t i = 0; i < settings->header.n_replacements; i++)
        if (stands_here(&settings->replacements[i], info, n)) return &settings->replacements[i];
    return NULL;
}

bool has_replacement(const struct settings *settings, const struct glyph_info *info, uint32_t n) {
    for (uint32_t i = 0; settings->header.n_replacements && i < n; i++)
        if (find(settings, info + i, n - i)) return true;
    return false;
}

void replace_words(struct text *out, const struct settings *settings, const struct glyph_info *info, uint32_t n) {
    for (uint32_t i = 0; i < n && !out->failed;) {
        const struct replacement *word = find(settings, info + i, n - i);
        if (!word) {
            text_append(out, info[i].codepoint, info[i].cluster);
            i++;
            continue;
        }
        for (uint32_t j = 0; j < word->to_length; j++)
            text_append(out, word->to[j], info[i + j * word->from_length / word->to_length].cluster);
        i += word->from_length;
    }
}
