/* From the typed text to the visible text: every long run of exclamation marks becomes a continuation. */
#ifndef CONTINUATION_H
#define CONTINUATION_H

#include "engine.h"
#include "harfbuzz.h"

#define MARK '!'

/* Length of the run of marks that begins at text[0]. */
uint32_t run_length(const struct glyph_info *text, uint32_t n);

/* A text that grows. `info[i]` holds a code point and its cluster. */
struct visible_text {
    struct glyph_info *info;
    uint32_t length, capacity;
    bool failed; /* memory ran out */
};

/* Appends the visible text of `n` typed code points. A run of more than `kept_marks` marks is replaced: its first
 * `kept_marks` show nothing, and each further one shows one token, under the cluster of that mark. At most `budget`
 * positions are computed; what is left then shows as an ellipsis. */
void continue_text(struct engine *engine, const struct glyph_info *text, uint32_t n, uint32_t kept_marks, uint32_t budget,
                   struct visible_text *visible);

#endif
