#include "hb.hh"
#include "hb-font.hh"

#include "references.hh"
#include "instance.hh"

#include <stdlib.h>

namespace fontgen {

/* A guest that makes fonts in a loop runs out of numbers before the program runs out of memory. */
enum { MOST_OBJECTS = FONTGEN_MOST_OBJECTS };

uint32_t references_t::number_of (void *object, fontgen_kind kind)
{
  uint32_t vacant = 0;
  for (uint32_t i = n_entries; i; i--)
  {
    if (entries[i - 1].object == object)
    {
      entries[i - 1].kind = kind;	/* what was there before may be gone, and its memory another's */
      return i;
    }
    if (!entries[i - 1].object) vacant = i;
  }
  if (!vacant)
  {
    if (n_entries == MOST_OBJECTS) return 0;
    if (n_entries == room)
    {
      uint32_t more = room ? room * 2 : 16;
      entry_t *grown = (entry_t *) realloc (entries, more * sizeof *grown);
      if (!grown) return 0;
      entries = grown;
      room = more;
    }
    vacant = ++n_entries;
  }
  entries[vacant - 1] = {object, BORROWED, kind};
  return vacant;
}

void references_t::own_face (uint32_t number)
{ if (object_of (number)) entries[number - 1].ownership = OWNED_FACE; }

/* A font holds a reference to its face.  Where that is the face whose Wasm table runs, neither
 * would ever be destroyed, so the font gives its reference back. */
void references_t::own_font (uint32_t number)
{
  hb_font_t *font = (hb_font_t *) object_of (number);
  if (!font || font == hb_font_get_empty ()) return;
  for (uint32_t i = 0; i < n_entries; i++)
    if (entries[i].object == font->face && entries[i].ownership == OWNED_FACE)
    {
      entries[number - 1].ownership = OWNED_FONT;
      return;
    }
  entries[number - 1].ownership = WEAK_FONT;
  hb_face_destroy (font->face);
}

void references_t::release_owned ()
{
  for (uint32_t i = 0; i < n_entries; i++)
  {
    entry_t &entry = entries[i];
    hb_font_t *font = (hb_font_t *) entry.object;
    if (!font) continue;
    if (entry.ownership == WEAK_FONT) font->face = hb_face_get_empty ();
    if (entry.ownership == WEAK_FONT || entry.ownership == OWNED_FONT)
    {
      hb_font_destroy (font);
      entry.object = nullptr;
    }
  }
  for (uint32_t i = 0; i < n_entries; i++)
    if (entries[i].object && entries[i].ownership == OWNED_FACE)
    {
      hb_face_destroy ((hb_face_t *) entries[i].object);
      entries[i].object = nullptr;
    }
}

void references_t::clear ()
{
  release_owned ();
  free (entries);
  entries = nullptr;
  n_entries = room = 0;
}

} /* namespace fontgen */

using namespace fontgen;

uint32_t fontgen_number_of (wasm_module_inst_t instance, void *object, fontgen_kind kind)
{ return instance->references.number_of (object, kind); }

void *fontgen_object_of (wasm_module_inst_t instance, uint32_t number, fontgen_kind kind)
{ return instance->references.object_of (number, kind); }
