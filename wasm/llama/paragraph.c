#include "paragraph.h"

#include "memory.h"

#define LONGEST 8192
#define REMEMBERED 4 /* programs shape a paragraph's lines right after it, but may do several paragraphs in turn */

static struct paragraph paragraphs[REMEMBERED]; /* the latest first */

/* How many of the text's clusters are below `cluster`. */
static uint32_t clusters_below(const struct glyph_info *text, uint32_t n, uint64_t cluster) {
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (text[middle].cluster < cluster) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool same_text(const struct glyph_info *a, const struct glyph_info *b, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (a[i].codepoint != b[i].codepoint || a[i].cluster != b[i].cluster) return false;
    return true;
}

const struct paragraph *paragraph_around(const struct glyph_info *text, uint32_t n) {
    if (!n || !text[0].cluster) return NULL;
    for (const struct paragraph *p = paragraphs; p < paragraphs + REMEMBERED && p->info; p++) {
        uint32_t start = clusters_below(p->info, p->length, text[0].cluster);
        if (start && n <= p->length - start && same_text(p->info + start, text, n)) return p;
    }
    return NULL;
}

/* A place for a new paragraph, in front of the others: that of the same one, or of the one not seen for longest. */
static struct paragraph *make_room(const struct glyph_info *text, uint32_t n) {
    uint32_t at = 0;
    while (at < REMEMBERED - 1 && paragraphs[at].info &&
           !(paragraphs[at].length == n && same_text(paragraphs[at].info, text, n)))
        at++;
    free(paragraphs[at].info);
    memmove(paragraphs + 1, paragraphs, at * sizeof *paragraphs);
    return paragraphs;
}

void paragraph_remember(const struct glyph_info *text, uint32_t n) {
    if (n > LONGEST) return;
    for (uint32_t i = 1; i < n; i++)
        if (text[i].cluster <= text[i - 1].cluster) return;
    struct glyph_info *info = malloc(n * sizeof *info);
    if (!info) return;
    memcpy(info, text, n * sizeof *info);
    *make_room(text, n) = (struct paragraph){info, n};
}

void paragraph_cut_out(const struct glyph_info **visible, uint32_t *n_visible, const struct glyph_info *line,
                       uint32_t n) {
    uint32_t start = clusters_below(*visible, *n_visible, line[0].cluster);
    uint32_t end = clusters_below(*visible, *n_visible, line[n - 1].cluster + (uint64_t)1);
    *visible += start;
    *n_visible = end - start;
}
