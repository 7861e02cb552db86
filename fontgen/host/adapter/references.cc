#include "references.hh"
#include "instance.hh"

#include <stdlib.h>

namespace fontgen {

/* A guest that makes fonts in a loop runs out of numbers before the program runs out of memory. */
enum { MOST_OBJECTS = 4096 };

uint32_t references_t::number_of (void *object)
{
  for (uint32_t i = n_objects; i; i--)
    if (objects[i - 1] == object) return i;
  if (n_objects == MOST_OBJECTS) return 0;
  if (n_objects == room)
  {
    uint32_t more = room ? room * 2 : 16;
    void **grown = (void **) realloc (objects, more * sizeof *grown);
    if (!grown) return 0;
    objects = grown;
    room = more;
  }
  objects[n_objects++] = object;
  return n_objects;
}

void *references_t::object_of (uint32_t number) const
{ return number && number <= n_objects ? objects[number - 1] : nullptr; }

void references_t::clear () { free (objects); objects = nullptr; n_objects = room = 0; }

} /* namespace fontgen */

using namespace fontgen;

bool wasm_externref_obj2ref (wasm_module_inst_t instance, void *object, uint32_t *reference)
{
  *reference = instance->references.number_of (object);
  return *reference != 0;
}

bool wasm_externref_ref2obj (uint32_t reference, void **object)
{
  fontgen_instance *instance = current_instance ();
  void *found = instance ? instance->references.object_of (reference) : nullptr;
  if (!found) return false;
  *object = found;
  return true;
}
