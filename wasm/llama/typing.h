/* Whether somebody types a run of marks just now: then what it continues can be read before the run is long enough. */
#ifndef TYPING_H
#define TYPING_H

#include <stdbool.h>

#include "harfbuzz.h"

/* Whether a text ends with 2 to `kept_marks` exclamation marks and was shaped lately with fewer of them, but some. So a
 * document that holds such a text is not taken for somebody who types. Remembers the text. */
bool marks_are_being_typed(const struct glyph_info *info, uint32_t n, uint32_t kept_marks);

#endif
