#include "module.hh"
#include "allow_list.hh"
#include "deadline.hh"
#include "observer.hh"
#include "settings.hh"
#include "sha256.hh"

#include <stdio.h>
#include <stdlib.h>

namespace fontgen {

void count_failure (fontgen_module *module, double milliseconds)
{
  __atomic_add_fetch (&module->failing_ms, (uint64_t) milliseconds, __ATOMIC_RELAXED);
  __atomic_store_n (&module->last_failure_ms, (uint64_t) now_ms (), __ATOMIC_RELAXED);
  __atomic_add_fetch (&module->failures, 1, __ATOMIC_RELAXED);
}

void count_success (fontgen_module *module)
{
  if (!__atomic_load_n (&module->failures, __ATOMIC_RELAXED)) return;
  __atomic_store_n (&module->failures, 0, __ATOMIC_RELAXED);
  __atomic_store_n (&module->failing_ms, 0, __ATOMIC_RELAXED);
}

bool given_up (const fontgen_module *module)
{
  const unsigned limit = settings ().timeout_ms;
  const bool often = __atomic_load_n (&module->failures, __ATOMIC_RELAXED) >= FONTGEN_MOST_FAILURES;
  const bool long_ = limit && __atomic_load_n (&module->failing_ms, __ATOMIC_RELAXED) >= limit;
  return (often || long_) &&
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

static fontgen_module *load (uint8_t *bytes, uint32_t size, char *error, uint32_t error_size)
{
  if (!may_run (bytes, size))
  {
    snprintf (error, error_size, "its Wasm table is not in the list of those that may run");
    return nullptr;
  }
  fontgen_module *module = (fontgen_module *) calloc (1, sizeof *module);
  if (!module)
  {
    snprintf (error, error_size, "out of memory");
    return nullptr;
  }
  module->compilation = begin_compilation ({bytes, size}, error, error_size);
  if (module->compilation) return module;
  free (module);
  return nullptr;
}

/* Null, and HarfBuzz leaves this face to OpenType for good. */
wasm_module_t wasm_runtime_load (uint8_t *bytes, uint32_t size, char *error, uint32_t error_size)
{
  if (error_size) *error = 0;
  fontgen_module *module = load (bytes, size, error, error_size);
  if (!module)
  {
    remember_refusal (bytes, size, error);
    forget_time_spent ();
  }
  return module;
}

void wasm_runtime_unload (wasm_module_t module)
{
  release_compilation (module->compilation);
  free (module);
}
