#include "guest_heap.hh"
#include "instance.hh"
#include "mapped_pages.hh"

#include <stdlib.h>
#include <string.h>

namespace fontgen {

enum { PAGE_BYTES = 65536, ALIGNMENT = 16, LARGE_TABLE = 1 << 20 };

void guest_heap_t::begin (const fontgen_instance *instance)
{
  guests_own = find_export (instance, "malloc", 1, 1, &malloc_function) &&
	       find_export (instance, "free", 1, 0, &free_function);
}

void guest_heap_t::forget () { n_blocks = 0; }
void guest_heap_t::clear () { free (blocks); blocks = nullptr; n_blocks = room = 0; }

bool guest_heap_t::insert (unsigned at, block_t block)
{
  if (n_blocks == room)
  {
    unsigned more = room ? room * 2 : 32;
    block_t *grown = (block_t *) realloc (blocks, more * sizeof *grown);
    if (!grown) return false;
    blocks = grown;
    room = more;
  }
  memmove (blocks + at + 1, blocks + at, (n_blocks - at) * sizeof *blocks);
  blocks[at] = block;
  n_blocks++;
  return true;
}

uint32_t guest_heap_t::allocate_here (fontgen_instance *instance, uint64_t size)
{
  if (!n_blocks)
  {
    uint64_t old_pages = 0;
    char message[128];
    if (!instance->has_memory ||
	take_failure (wasmtime.wasmtime_memory_grow (instance->context, &instance->memory,
						     instance->heap_bytes / PAGE_BYTES, &old_pages),
		      nullptr, message, sizeof message))
      return 0;
    block_t all = {(uint32_t) (old_pages * PAGE_BYTES), instance->heap_bytes, false};
    if (!insert (0, all)) return 0;
  }
  if (size > instance->heap_bytes) return 0;
  uint32_t need = ((uint32_t) size + ALIGNMENT - 1) & ~(uint32_t) (ALIGNMENT - 1);
  if (!need) need = ALIGNMENT;
  for (unsigned i = 0; i < n_blocks; i++)	/* first fit */
  {
    if (blocks[i].used || blocks[i].size < need) continue;
    if (blocks[i].size > need)
    {
      block_t rest = {blocks[i].offset + need, blocks[i].size - need, false};
      if (!insert (i + 1, rest)) return 0;
      blocks[i].size = need;
    }
    blocks[i].used = true;
    return blocks[i].offset;
  }
  return 0;
}

void guest_heap_t::release_here (uint32_t offset)
{
  for (unsigned i = 0; i < n_blocks; i++)
  {
    if (blocks[i].offset != offset || !blocks[i].used) continue;
    blocks[i].used = false;
    /* Join with the free neighbours. */
    if (i + 1 < n_blocks && !blocks[i + 1].used)
    {
      blocks[i].size += blocks[i + 1].size;
      n_blocks--;
      memmove (blocks + i + 1, blocks + i + 2, (n_blocks - i - 1) * sizeof *blocks);
    }
    if (i && !blocks[i - 1].used)
    {
      blocks[i - 1].size += blocks[i].size;
      n_blocks--;
      memmove (blocks + i, blocks + i + 1, (n_blocks - i) * sizeof *blocks);
    }
    return;
  }
}

uint32_t guest_heap_t::allocate (fontgen_instance *instance, uint64_t size)
{
  if (!guests_own) return allocate_here (instance, size);
  if (size > 0x7fffffff) return 0;
  wt_value value;
  value.i64 = (int64_t) size;
  bool before = instance->in_guest_heap;
  instance->in_guest_heap = true;
  bool ok = invoke (instance, &malloc_function, &value, 1);
  instance->in_guest_heap = before;
  return ok ? (uint32_t) value.i32 : 0;
}

void guest_heap_t::release (fontgen_instance *instance, uint32_t offset)
{
  if (!guests_own) return release_here (offset);
  wt_value value;
  value.i64 = offset;
  bool before = instance->in_guest_heap;
  instance->in_guest_heap = true;
  invoke (instance, &free_function, &value, 1);
  instance->in_guest_heap = before;
}

} /* namespace fontgen */

using namespace fontgen;

uint32_t wasm_runtime_module_malloc (wasm_module_inst_t instance, uint64_t size, void **native)
{
  if (native) *native = nullptr;
  if (!instance->store || instance->failed) return 0;
  uint32_t offset = instance->heap.allocate (instance, size);
  if (!offset || !wasm_runtime_validate_app_addr (instance, offset, size)) return 0;
  if (native) *native = wasm_runtime_addr_app_to_native (instance, offset);
  return offset;
}

void wasm_runtime_module_free (wasm_module_inst_t instance, uint64_t offset)
{
  if (offset && instance->store && !instance->failed) instance->heap.release (instance, (uint32_t) offset);
  /* The features are freed last: the shaping call is over. */
  if (!instance->depth) end_call (instance);
}

/* Outside of any guest call this is HarfBuzz passing the caller's features, just before shape(). */
uint32_t wasm_runtime_module_dup_data (wasm_module_inst_t instance, const char *source, uint64_t size)
{
  if (!instance->depth)
  {
    instance->features.keep (source, size);
    if (!ensure_alive (instance)) return 0;
  }
  void *native;
  uint32_t offset = wasm_runtime_module_malloc (instance, size, &native);
  if (offset && size) memcpy (native, source, size);
  /* A table this large is copied once for all, weights for example; the font file need not stay in memory, too. */
  if (offset && size >= LARGE_TABLE) drop_mapped_pages (source, size);
  return offset;
}
