/* The font's own tables, those that `fontgen build` writes: little-endian, a magic, a version, a length and a checksum
 * before everything else. */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>

#include "harfbuzz.h"

/* A copy of one of the font's tables, by our malloc(); empty when there is none. */
struct blob copy_table(hb_font_t font, uint32_t tag);

/* The version of a table whose magic, length and checksum are right; 0 of one that is damaged. */
uint32_t table_version(const void *table, uint32_t length, uint32_t tag);

/* Whether a table is of version 1, undamaged, and has room for a header of `header_size` bytes. */
bool table_is_intact(const void *table, uint32_t length, uint32_t tag, uint32_t header_size);

#endif
