/* What the font's configuration says of every text: the table `Lset`, described in fontgen/llama/tables/layout.py. */
#ifndef SETTINGS_TABLE_H
#define SETTINGS_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "font_tables.h"

/* A word to show in place of another; code points. */
struct replacement {
    uint32_t from_length, to_length;
    const uint32_t *from, *to;
};

struct settings {
    struct settings_header header;
    bool is_framed;        /* typed text stands between tokens of the frame */
    const uint32_t *frame; /* all tokens of it: */
    const uint32_t *before, *after, *between, *stops;
    struct replacement *replacements; /* [header.n_replacements], the longer `from` first */
    uint32_t first_letters[8];        /* a bit for each `from[0] % 256` */
};

/* Points `settings` into the table, which must stay; false when it is damaged or memory runs out. */
bool settings_open(struct settings *settings, const void *table, uint32_t length);

/* Whether the settings say that a token ends a run. */
bool settings_stop_at(const struct settings *settings, uint32_t token);

#endif
