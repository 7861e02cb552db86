#include "module.hh"
#include "allow_list.hh"
#include "engine.hh"
#include "module_cache.hh"
#include "native_calls.hh"
#include "settings.hh"
#include "sha256.hh"
#include "wasm_binary.hh"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace fontgen {

/* A portable module may carry the same program with SIMD instructions in a custom section of this
 * name: other hosts skip custom sections, this one prefers it. */
static const char simd_section[] = "simd128";

void count_failure (fontgen_module *module) { __atomic_add_fetch (&module->failures, 1, __ATOMIC_RELAXED); }
void count_success (fontgen_module *module)
{
  if (__atomic_load_n (&module->failures, __ATOMIC_RELAXED)) __atomic_store_n (&module->failures, 0, __ATOMIC_RELAXED);
}
bool given_up (const fontgen_module *module)
{ return __atomic_load_n (&module->failures, __ATOMIC_RELAXED) >= MOST_FAILURES; }

/* From the cache, or compiled and put there; null, and why in `message`, where it is not valid. */
static wt_object *compile (span_t binary, char *message, size_t size)
{
  if (code_size (binary) > settings ().code_bytes)
  {
    snprintf (message, size, "code of %zu bytes is more than FONTGEN_WASM_CODE_MB allows", code_size (binary));
    trace ("%s", message);
    return nullptr;
  }
  sha256_t digest;
  digest.add (binary.data, binary.size);
  char hex[65];
  digest.finish (hex);
  cache_entry_t entry (hex);
  if (wt_object *module = entry.read ()) return module;

  double started = now_ms ();
  wt_object *module = nullptr;
  wt_object *error = wasmtime.wasmtime_module_new (engine (), binary.data, binary.size, &module);
  if (take_failure (error, nullptr, message, size)) return nullptr;
  trace ("compiled %zu bytes: %.2f ms", binary.size, now_ms () - started);
  entry.write (module);
  return module;
}

/* Resolves imports: HarfBuzz's functions by name and type; any other function traps when called. */
static wt_object *link (wt_object *module, char *message, size_t size)
{
  wt_object *linker = wasmtime.wasmtime_linker_new (engine ());
  wasmtime.wasmtime_linker_allow_shadowing (linker, true);
  wt_pointers imports;
  wasmtime.wasmtime_module_imports (module, &imports);
  for (size_t i = 0; i < imports.size; i++)
    define_native (linker, wasmtime.wasm_importtype_module (imports.data[i]),
		   wasmtime.wasm_importtype_name (imports.data[i]), wasmtime.wasm_importtype_type (imports.data[i]));
  wasmtime.wasm_importtype_vec_delete (&imports);

  wt_object *linked = nullptr;
  wt_object *error = wasmtime.wasmtime_linker_define_unknown_imports_as_traps (linker, module);
  if (!error) error = wasmtime.wasmtime_linker_instantiate_pre (linker, module, &linked);
  wasmtime.wasmtime_linker_delete (linker);
  return take_failure (error, nullptr, message, size) ? nullptr : linked;
}

} /* namespace fontgen */

using namespace fontgen;

wasm_module_t wasm_runtime_load (uint8_t *bytes, uint32_t size, char *error, uint32_t error_size)
{
  span_t table = {bytes, size};
  if (settings ().policy != POLICY_ON)
  {
    sha256_t digest;
    digest.add (bytes, size);
    char hex[65];
    digest.finish (hex);
    if (!is_allowed (hex))
    {
      snprintf (error, error_size, "not in the list of allowed Wasm tables");
      return nullptr;
    }
  }
  span_t inner = custom_section (table, simd_section);
  wt_object *module = inner.size ? compile (inner, error, error_size) : nullptr;
  if (!module) module = compile (table, error, error_size);
  if (!module) return nullptr;

  wt_object *linked = link (module, error, error_size);
  fontgen_module *result = linked ? (fontgen_module *) calloc (1, sizeof *result) : nullptr;
  if (!result)
  {
    if (linked) wasmtime.wasmtime_instance_pre_delete (linked);
    wasmtime.wasmtime_module_delete (module);
    return nullptr;
  }
  result->module = module;
  result->linked = linked;
  return result;
}

void wasm_runtime_unload (wasm_module_t module)
{
  wasmtime.wasmtime_instance_pre_delete (module->linked);
  wasmtime.wasmtime_module_delete (module->module);
  free (module);
}
