/* Shows every text twice, as HarfBuzz's own demonstration of its Wasm shaper does for a shadow: the second time with
 * clusters that count on, past the text. */

#include "harfbuzz.h"

enum { MOST = 128 };

static glyph_info_t info[MOST];
static glyph_position_t positions[MOST];

EXPORT (shape) uint32_t shape (uint32_t plan, font_t font, buffer_t buffer, const feature_t *features, uint32_t n_features)
{
  (void) plan, (void) features, (void) n_features;
  buffer_contents_t contents = {MOST / 2, info, positions};
  for (uint32_t i = 0; i < MOST / 2; i++) info[i].cluster = 0xffffffff;	/* the length is not told */
  if (!buffer_copy_contents (buffer, &contents)) return 0;
  uint32_t n = 0;
  while (n < MOST / 2 && info[n].cluster != 0xffffffff) n++;
  for (uint32_t i = 0; i < n; i++)
  {
    info[i].codepoint = font_get_glyph (font, info[i].codepoint, 0);
    info[i].cluster = i;	/* a position in the output, whatever the text's clusters are */
    info[n + i] = info[i];
    info[n + i].cluster = n + i;
    positions[i].x_advance = positions[n + i].x_advance = 500;
  }
  contents.length = 2 * n;
  return buffer_set_contents (buffer, &contents);
}
