/* Paragraphs seen lately, for the lines that programs wrap them into.
 *
 * To wrap a paragraph, Pango and LibreOffice shape all of it, and then what stands on each line by itself. A line that
 * begins after a prompt, or inside a run, does not have what the run continues. But its clusters say where in the
 * paragraph it stands: a text whose first cluster is not 0 shows what it shows as a part of the last paragraph that
 * had the same characters in the same places. This is the only state that shows; a text that begins at cluster 0 stands
 * alone, and so does one whose paragraph was never seen. */
#ifndef PARAGRAPH_H
#define PARAGRAPH_H

#include <stdbool.h>

#include "harfbuzz.h"

struct paragraph {
    struct glyph_info *info; /* clusters ascend */
    uint32_t length;
};

/* The paragraph that the text is a part of, but not the beginning of; NULL when none is known. Valid until the next
 * paragraph_remember(). */
const struct paragraph *paragraph_around(const struct glyph_info *text, uint32_t n);

/* Remembers a text that may have to be wrapped. Does nothing when it is very long or memory runs out. */
void paragraph_remember(const struct glyph_info *text, uint32_t n);

/* Narrows a paragraph's visible text to what the clusters of one of its lines show. */
void paragraph_cut_out(const struct glyph_info **visible, uint32_t *n_visible, const struct glyph_info *line, uint32_t n);

#endif
