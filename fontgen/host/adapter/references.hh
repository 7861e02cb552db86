/* HarfBuzz objects that a guest holds by number: 1, 2, ...  0 is none. */
#ifndef FONTGEN_REFERENCES_HH
#define FONTGEN_REFERENCES_HH

#include <stdint.h>

namespace fontgen {

struct references_t {
  /* The object's number, a new one if need be; 0 where there is no memory for it. */
  uint32_t number_of (void *object);
  void *object_of (uint32_t number) const;

  /* What was numbered since then is gone: the objects of a shaping call die with it. */
  uint32_t count () const { return n_objects; }
  void forget_from (uint32_t count) { n_objects = count; }
  void clear ();

  private:
  void **objects;
  uint32_t n_objects, room;
};

} /* namespace fontgen */

#endif
