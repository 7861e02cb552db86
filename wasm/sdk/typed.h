/* The text of a shape call: out of HarfBuzz's buffer, and another one in its place. */
#ifndef TYPED_H
#define TYPED_H

#include <stdbool.h>

#include "harfbuzz.h"

/* What is in the buffer: `length` entries of `info`; `length` 0 also when it cannot be had. To be freed before the next
 * one is copied. */
struct buffer_contents copy_typed_text(hb_buffer_t buffer);
void free_typed_text(struct buffer_contents *text);

/* Puts characters in place of what the buffer holds. False when memory runs out: the buffer is as it was. */
bool put_text(hb_buffer_t buffer, const struct glyph_info *info, uint32_t length);

#endif
