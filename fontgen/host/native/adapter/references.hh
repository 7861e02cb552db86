/* HarfBuzz objects that a guest holds by number: 1, 2, ...  0 is none. */
#ifndef FONTGEN_REFERENCES_HH
#define FONTGEN_REFERENCES_HH

#include "wasm_export.h"

#include <stdint.h>

namespace fontgen {

/* What becomes of an object when the guest is thrown away. */
enum ownership_t {
  BORROWED,	/* nothing: the caller's, or the face that the instance belongs to */
  OWNED_FACE,	/* destroyed */
  OWNED_FONT,	/* destroyed */
  WEAK_FONT	/* destroyed, but its face is the one that owns the instance, so that it holds no reference */
};

struct references_t {
  /* The object's number, a new one if need be; 0 where there is no room for it. */
  uint32_t number_of (void *object, fontgen_kind kind);
  void *object_of (uint32_t number) const
  { return number && number <= n_entries ? entries[number - 1].object : nullptr; }
  void *object_of (uint32_t number, fontgen_kind kind) const
  { return object_of (number) && entries[number - 1].kind == kind ? entries[number - 1].object : nullptr; }

  /* The guest made that object, by face_create() or font_create(). */
  void own_face (uint32_t number);
  void own_font (uint32_t number);

  /* A shaping call's font and buffer are gone after it. */
  void forget (uint32_t number) { if (object_of (number)) entries[number - 1].object = nullptr; }

  /* Destroys what the guest made. */
  void release_owned ();
  void clear ();

  private:
  struct entry_t { void *object; ownership_t ownership; fontgen_kind kind; };
  entry_t *entries;
  uint32_t n_entries, room;
};

} /* namespace fontgen */

#endif
