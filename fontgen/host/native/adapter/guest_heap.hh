/* Memory that HarfBuzz allocates in a guest: from the guest's malloc() and free() where it exports
 * both, else from a heap added at the end of its memory on first use. */
#ifndef FONTGEN_GUEST_HEAP_HH
#define FONTGEN_GUEST_HEAP_HH

#include "wasmtime_abi.hh"

struct fontgen_instance;

namespace fontgen {

struct guest_heap_t {
  void begin (const fontgen_instance *instance);
  void forget (); /* the Wasm instance is gone */
  void clear ();

  uint32_t allocate (fontgen_instance *instance, uint64_t size);
  void release (fontgen_instance *instance, uint32_t offset);

  private:
  struct block_t { uint32_t offset, size; bool used; };
  bool insert (unsigned at, block_t block);
  uint32_t allocate_here (fontgen_instance *instance, uint64_t size);
  void release_here (uint32_t offset);

  bool guests_own;
  wt_func malloc_function, free_function;
  block_t *blocks;	/* in order of offset, covering the added heap */
  unsigned n_blocks, room;
};

} /* namespace fontgen */

#endif
