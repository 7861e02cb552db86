#include "module.hh"
#include "allow_list.hh"
#include "settings.hh"
#include "sha256.hh"

#include <stdio.h>
#include <stdlib.h>

namespace fontgen {

void count_failure (fontgen_module *module)
{
  __atomic_store_n (&module->last_failure_ms, (uint64_t) now_ms (), __ATOMIC_RELAXED);
  __atomic_add_fetch (&module->failures, 1, __ATOMIC_RELAXED);
}

void count_success (fontgen_module *module)
{
  if (__atomic_load_n (&module->failures, __ATOMIC_RELAXED)) __atomic_store_n (&module->failures, 0, __ATOMIC_RELAXED);
}

bool given_up (const fontgen_module *module)
{
  return __atomic_load_n (&module->failures, __ATOMIC_RELAXED) >= MOST_FAILURES &&
	 now_ms () < __atomic_load_n (&module->last_failure_ms, __ATOMIC_RELAXED) + (double) PAUSE_MS;
}

static bool may_run (const uint8_t *bytes, size_t size)
{
  if (settings ().policy == POLICY_ON) return true;
  sha256_t digest;
  digest.add (bytes, size);
  char hex[65];
  digest.finish (hex);
  return is_allowed (hex);
}

} /* namespace fontgen */

using namespace fontgen;

/* Null, and HarfBuzz leaves this face to OpenType for good. */
wasm_module_t wasm_runtime_load (uint8_t *bytes, uint32_t size, char *error, uint32_t error_size)
{
  if (error_size) *error = 0;
  if (!may_run (bytes, size))
  {
    snprintf (error, error_size, "not in the list of allowed Wasm tables");
    return nullptr;
  }
  compilation_t *compilation = begin_compilation ({bytes, size}, error, error_size);
  if (!compilation) return nullptr;
  fontgen_module *module = (fontgen_module *) calloc (1, sizeof *module);
  if (!module)
  {
    release_compilation (compilation);
    return nullptr;
  }
  module->compilation = compilation;
  return module;
}

void wasm_runtime_unload (wasm_module_t module)
{
  release_compilation (module->compilation);
  free (module);
}
