/* A font that misbehaves in the way that the text's first character names; see test_hostile.py.
 * Every other text is shaped by OpenType. */

#include "harfbuzz.h"

static glyph_info_t info[4096];
static glyph_position_t positions[4096];
static buffer_t stale_buffer;
static font_t stale_font;

static void change_text (buffer_t buffer, uint32_t length, uint32_t cluster)
{
  for (uint32_t i = 0; i < length; i++)
  {
    info[i].codepoint = 5 + i % 7;
    info[i].cluster = cluster;
  }
  buffer_contents_t contents = {length, info, positions};
  buffer_set_contents (buffer, &contents);
}

__attribute__ ((noinline)) static uint32_t descend (uint32_t depth)
{
  volatile uint32_t local[64];
  local[depth % 64] = depth;
  return descend (depth + 1) + local[depth % 64];
}

EXPORT (shape) uint32_t shape (uint32_t plan, font_t font, buffer_t buffer, const feature_t *features, uint32_t n_features)
{
  (void) plan;
  buffer_contents_t contents = {4096, info, positions};
  if (!buffer_copy_contents (buffer, &contents)) return 0;
  uint32_t cluster = info[0].cluster;
  switch (info[0].codepoint)
  {
    case 'L': for (;;) __asm__ volatile (""); /* endless loop */
    case 'G': while (__builtin_wasm_memory_grow (0, 16) != (unsigned long) -1) {} break; /* all the memory there is */
    case 'M': for (;;) __builtin_wasm_memory_grow (0, 16);
    case 'T': __builtin_trap ();
    case 'A': change_text (buffer, 3, cluster); __builtin_trap (); /* after it changed the text */
    case 'S': shape_with (font, buffer, features, n_features, "ot"); __builtin_trap ();
    case 'D': return descend (0); /* deep recursion */
    case 'Z': change_text (buffer, 2, cluster); return 0;
    case 'C': change_text (buffer, 2, cluster + 1000000); return 1; /* clusters out of range */
    case 'N': /* clusters back and forth: shown, but put in order */
      change_text (buffer, 4, cluster);
      info[1].cluster = cluster + 2;
      contents.length = 4;
      return buffer_set_contents (buffer, &contents);
    case 'H': /* a huge buffer */
    {
      buffer_contents_t huge = {0x10000000, info, positions};
      if (buffer_set_contents (buffer, &huge)) return 1;
      huge.length = 0xffffffff;
      if (buffer_set_contents (buffer, &huge)) return 1;
      return 0;
    }
    case 'P': *(volatile uint32_t *) 0xfffffff0 = 1; break; /* outside of its memory */
    case 'B': /* structures outside of its memory */
      buffer_copy_contents (buffer, (buffer_contents_t *) 0xfffffff8);
      face_copy_table (font_get_face (font), TAG ('h', 'e', 'a', 'd'), (blob_t *) 0xfffffffc);
      shape_with (font, buffer, (const feature_t *) 0xfffffff0, 100, "ot");
      font_glyph_to_string (font, 1, (char *) 0xffffff00, 0xffff);
      shape_with (font, buffer, 0, 0, (const char *) 0xffffffff); /* a string that does not end: traps */
      break;
    case 'R': /* handles that are none, and of another kind */
      buffer_get_direction (font);
      font_get_face (buffer);
      face_get_upem (4711);
      buffer_reverse (0);
      font_get_glyph (0xffffffff, 'A', 0);
      break;
    case 'K': /* keeps handles for later */
      stale_buffer = buffer;
      stale_font = font;
      break;
    case 'U': /* uses those: their objects may be gone */
      buffer_reverse (stale_buffer);
      buffer_get_script (stale_buffer);
      font_get_glyph_h_advance (stale_font, 7);
      change_text (stale_buffer, 2, cluster);
      return 0;
    case 'O': /* makes objects without end */
      for (uint32_t i = 0; i < 100000; i++) font_create (font_get_face (font));
      break;
    case 'Q': /* shapes twice: the second time the buffer holds glyphs */
      shape_with (font, buffer, features, n_features, "ot");
      return shape_with (font, buffer, features, n_features, "ot");
    case 'W': return shape_with (font, buffer, features, n_features, "wasm"); /* itself */
    case 'V': return shape_with (font, buffer, features, n_features, "graphite2"); /* itself, by the host's other name */
    case 'X': /* takes its time to refuse */
      for (volatile uint32_t i = 0; i < 20000000; i++) {}
      return 0;
    case 'Y': /* takes its time to make more than fits */
    {
      enum { MANY = 100000 };
      const unsigned long page = 65536, pages = MANY * sizeof *info / page + 1;
      glyph_info_t *many = (glyph_info_t *) (__builtin_wasm_memory_grow (0, 2 * pages) * page);
      buffer_contents_t more = {MANY, many, (glyph_position_t *) ((char *) many + pages * page)};
      for (volatile uint32_t i = 0; i < 20000000; i++) {}
      buffer_set_contents (buffer, &more);
      return 1;
    }
    case 'E': debugprint ("the weights are damaged"); break;
  }
  return shape_with (font, buffer, features, n_features, "ot");
}
