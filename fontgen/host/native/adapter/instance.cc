#include "instance.hh"
#include "deadline.hh"
#include "engine.hh"
#include "settings.hh"
#include "vector_registers.hh"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace fontgen {

static const struct { const char *name; size_t n_arguments, n_results; } roles[] = {
  {"shape", 5, 1},
  {"shape_plan_create", 1, 1},
  {"shape_plan_destroy", 1, 0},
  {"shape_context", 2, 1},
};

/* Constructors that compilers export instead of a start function, in wasm-micro-runtime's order. */
static const char *const constructors[] = {"__post_instantiate", "__wasm_call_ctors"};

static __thread fontgen_instance *current;
fontgen_instance *current_instance () { return current; }

bool find_export (const fontgen_instance *instance, const char *name, size_t n_arguments, size_t n_results, wt_func *function)
{
  wt_extern found;
  if (!wasmtime.wasmtime_instance_export_get (instance->context, &instance->wasm, name, strlen (name), &found) ||
      found.kind != WT_EXTERN_FUNC)
    return false;
  wt_object *type = wasmtime.wasmtime_func_type (instance->context, &found.of.func);
  const wt_pointers *lists[2] = {wasmtime.wasm_functype_params (type), wasmtime.wasm_functype_results (type)};
  const size_t expected[2] = {n_arguments, n_results};
  bool fits = true;
  for (unsigned l = 0; l < 2; l++)
  {
    fits = fits && lists[l]->size == expected[l];
    for (size_t i = 0; fits && i < expected[l]; i++)
      fits = wasmtime.wasm_valtype_kind (lists[l]->data[i]) == WASM_I32;
  }
  wasmtime.wasm_functype_delete (type);
  *function = found.of.func;
  return fits;
}

size_t memory_size (const fontgen_instance *instance)
{ return instance->has_memory ? wasmtime.wasmtime_memory_data_size (instance->context, &instance->memory) : 0; }

/* Milliseconds that a call beginning now may take. */
static double time_left (const fontgen_instance *instance)
{ return instance->deadline > 0 ? instance->deadline - now_ms () : settings ().timeout_ms; }

bool invoke (fontgen_instance *instance, const wt_func *function, wt_value *values, size_t n_values)
{
  if (!instance->store || instance->failed) return false;
  bool outermost = !instance->depth++;
  bool limited = outermost && settings ().timeout_ms;
  fontgen_instance *outer = current;
  current = instance;
  if (limited)
  {
    begin_ticking ();
    wasmtime.wasmtime_context_set_epoch_deadline (instance->context, ticks_for (time_left (instance)));
  }
  wt_object *trap = nullptr;
  clear_upper_halves ();
  wt_object *error = wasmtime.wasmtime_func_call_unchecked (instance->context, function, values, n_values, &trap);
  if (limited) end_ticking ();
  current = outer;
  instance->depth--;
  if (!take_failure (error, trap, instance->message, sizeof instance->message)) return true;
  instance->failed = true;
  return false;
}

void bury (fontgen_instance *instance)
{
  if (instance->store) wasmtime.wasmtime_store_delete (instance->store);
  instance->references.release_owned ();
  instance->store = nullptr;
  instance->failed = false;
  instance->plan = 0;
  instance->heap.forget ();
}

static bool make_wasm_instance (fontgen_instance *instance, const compiled_t *compiled)
{
  double started = now_ms ();
  const settings_t &s = settings ();
  instance->store = wasmtime.wasmtime_store_new (engine (), nullptr, nullptr);
  if (!instance->store) return false;
  instance->context = wasmtime.wasmtime_store_context (instance->store);
  wasmtime.wasmtime_store_limiter (instance->store, s.memory_bytes, 1 << 20, 1, 16, 1);

  /* A start function runs now, under the limit like any call. */
  fontgen_instance *outer = current;
  current = instance;
  instance->depth++;
  if (s.timeout_ms)
  {
    begin_ticking ();
    wasmtime.wasmtime_context_set_epoch_deadline (instance->context, ticks_for (time_left (instance)));
  }
  wt_object *trap = nullptr;
  wt_object *error =
    wasmtime.wasmtime_instance_pre_instantiate (compiled->linked, instance->context, &instance->wasm, &trap);
  if (s.timeout_ms) end_ticking ();
  instance->depth--;
  current = outer;
  if (take_failure (error, trap, instance->message, sizeof instance->message)) return false;

  wt_extern found;
  instance->has_memory = wasmtime.wasmtime_instance_export_get (instance->context, &instance->wasm, "memory", 6, &found) &&
			 found.kind == WT_EXTERN_MEMORY;
  if (instance->has_memory) instance->memory = found.of.memory;
  for (unsigned i = 0; i < fontgen_function::N_ROLES; i++)
    instance->exported[i] = find_export (instance, roles[i].name, roles[i].n_arguments, roles[i].n_results, &instance->exports[i]);
  instance->heap.begin (instance);
  for (const char *name : constructors)
  {
    wt_func constructor;
    if (find_export (instance, name, 0, 0, &constructor) && !invoke (instance, &constructor, nullptr, 0)) return false;
  }
  trace ("instance: %.3f ms", now_ms () - started);
  return true;
}

static bool make_plan (fontgen_instance *instance)
{
  if (!instance->face || !instance->exported[fontgen_function::SHAPE_PLAN_CREATE]) return true;
  uint32_t reference;
  if (!wasm_externref_obj2ref (instance, instance->face, &reference)) return false;
  wt_value value;
  value.i64 = reference;
  if (!invoke (instance, &instance->exports[fontgen_function::SHAPE_PLAN_CREATE], &value, 1)) return false;
  instance->plan = (uint32_t) value.i32;
  return true;
}

bool ensure_alive (fontgen_instance *instance)
{
  if (instance->store && !instance->failed) return true;
  bury (instance);
  const compiled_t *compiled = result_of (instance->module->compilation);
  if (!compiled || given_up (instance->module)) return false;
  if (make_wasm_instance (instance, compiled) && make_plan (instance)) return true;
  bury (instance);
  count_failure (instance->module);
  return false;
}

} /* namespace fontgen */

using namespace fontgen;

/* Never null but for want of memory: an instance that is not alive shapes by OpenType. */
wasm_module_inst_t wasm_runtime_instantiate (wasm_module_t module, uint32_t, uint32_t heap_size, char *error,
					     uint32_t error_size)
{
  fontgen_instance *instance = (fontgen_instance *) calloc (1, sizeof *instance);
  if (!instance)
  {
    snprintf (error, error_size, "out of memory");
    return nullptr;
  }
  instance->module = module;
  instance->heap_bytes = heap_size;
  for (unsigned i = 0; i < fontgen_function::N_ROLES; i++)
    instance->functions[i].role = (fontgen_function::role_t) i;
  ensure_alive (instance);
  return instance;
}

void wasm_runtime_deinstantiate (wasm_module_inst_t instance)
{
  bury (instance);
  instance->heap.clear ();
  instance->references.clear ();
  instance->features.clear ();
  instance->text.clear ();
  free (instance);
}

wasm_function_inst_t wasm_runtime_lookup_function (wasm_module_inst_t instance, const char *name)
{
  for (unsigned i = 0; i < fontgen_function::N_ROLES; i++)
    if (!strcmp (name, roles[i].name))
      /* shape() is always there: OpenType stands in for it. */
      return i == fontgen_function::SHAPE || (instance->store && instance->exported[i]) ? &instance->functions[i] : nullptr;
  return nullptr;
}

const char *wasm_runtime_get_exception (wasm_module_inst_t instance)
{ return *instance->message ? instance->message : nullptr; }

bool wasm_runtime_validate_app_addr (wasm_module_inst_t instance, uint64_t offset, uint64_t size)
{
  uint64_t n = memory_size (instance);
  return size <= n && offset <= n - size;
}

void *wasm_runtime_addr_app_to_native (wasm_module_inst_t instance, uint64_t offset)
{
  if (!wasm_runtime_validate_app_addr (instance, offset, 1)) return nullptr;
  return wasmtime.wasmtime_memory_data (instance->context, &instance->memory) + offset;
}
