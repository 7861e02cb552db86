/* The font's own tables, those that `fontgen build` writes: little-endian, a magic, a version, a length and a checksum
 * before everything else. */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>

#include "harfbuzz.h"

/* A copy of one of the font's tables, by our malloc(); empty when there is none. */
struct blob copy_table(hb_font_t font, uint32_t tag);

/* Whether magic, version, length and checksum of a table are right. `header_size` is the size of its header struct. */
bool table_is_intact(const void *table, uint32_t length, uint32_t tag, uint32_t header_size);

#endif
