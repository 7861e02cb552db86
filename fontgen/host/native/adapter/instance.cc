#include "instance.hh"
#include "deadline.hh"
#include "engine.hh"
#include "observer.hh"
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
  {"shape_finished", 0, 1},
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

/* Says in the user's words why the guest's run ended. */
static void explain_failure (fontgen_instance *instance)
{
  const settings_t &s = settings ();
  if (strstr (instance->message, "wasm trap: interrupt"))
    snprintf (instance->message, sizeof instance->message, "it ran longer than the time limit of %u ms", s.timeout_ms);
  else if (strstr (instance->message, "exceeds memory limits"))
    snprintf (instance->message, sizeof instance->message, "it wants more memory than the limit of %u MB",
	      (unsigned) (s.memory_bytes >> 20));
  else if (!strncmp (instance->message, "wasm trap: ", 11))
  {
    char trap[sizeof instance->message];
    strcpy (trap, instance->message + 11);
    snprintf (instance->message, sizeof instance->message, "it trapped: %s", trap);
  }
  explain ("%s", instance->message);
}

/* Has Wasmtime run the guest, within the time that is left; true when it came back by itself. */
template <typename Run>
static bool run_guest (fontgen_instance *instance, Run run)
{
  const bool outermost = !instance->depth;
  const bool limited = outermost && settings ().timeout_ms;
  const double left = limited ? time_left () : 0;
  if (limited && left <= 0)
  {
    snprintf (instance->message, sizeof instance->message, "wasm trap: interrupt");
    explain_failure (instance);
    return false;
  }
  fontgen_instance *outer = current;
  current = instance;
  instance->depth++;
  wt_object *trap = nullptr, *error;
  if (limited)
  {
    const waiting_t waiting;
    begin_ticking ();
    wasmtime.wasmtime_context_set_epoch_deadline (instance->context, ticks_for (left));
    clear_upper_halves ();
    error = run (&trap);
    end_ticking ();
  }
  else
  {
    clear_upper_halves ();
    error = run (&trap);
  }
  instance->depth--;
  current = outer;
  if (!take_failure (error, trap, instance->message, sizeof instance->message)) return true;
  explain_failure (instance);
  if (outermost) instance->call_failed = true;
  return false;
}

bool invoke (fontgen_instance *instance, const wt_func *function, wt_value *values, size_t n_values)
{
  if (!instance->store || instance->failed) return false;
  const bool ok = run_guest (instance, [&] (wt_object **trap) {
    return wasmtime.wasmtime_func_call_unchecked (instance->context, function, values, n_values, trap);
  });
  if (!ok) instance->failed = true;
  return ok;
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
  wasmtime.wasmtime_store_limiter (instance->store, s.memory_bytes, FONTGEN_TABLE_ELEMENTS, 1, FONTGEN_MOST_TABLES, 1);

  /* A start function runs now, under the limit like any call. */
  if (!run_guest (instance, [&] (wt_object **trap) {
	return wasmtime.wasmtime_instance_pre_instantiate (compiled->linked, instance->context, &instance->wasm, trap);
      }))
    return false;

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
  wt_value value;
  value.i64 = instance->references.number_of (instance->face, fontgen_kind_face);
  if (!value.i64) return false;
  if (!invoke (instance, &instance->exports[fontgen_function::SHAPE_PLAN_CREATE], &value, 1)) return false;
  instance->plan = (uint32_t) value.i32;
  return true;
}

bool ensure_alive (fontgen_instance *instance)
{
  if (given_up (instance->module))
  {
    if (instance->store) bury (instance);
    explain ("it failed too often and rests for a minute; the last time: %s", instance->message);
    return false;
  }
  if (instance->store && !instance->failed) return true;
  if (instance->call_failed) return false;
  bury (instance);
  const char *reason;
  const compiled_t *compiled = result_of (instance->module->compilation, &reason);
  if (!compiled)
  {
    explain ("%s", reason);
    return false;
  }
  if (make_wasm_instance (instance, compiled) && make_plan (instance)) return true;
  bury (instance);
  instance->call_failed = true;
  return false;
}

void end_call (fontgen_instance *instance)
{
  if (instance->call_failed) count_failure (instance->module, time_spent ());
  else if (instance->shaped) count_success (instance->module);
  instance->shaped = instance->call_failed = false;
  forget_time_spent ();
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
      /* They are always there: OpenType stands in for shape(), and of an instance that cannot be made
       * now, the face is wanted for the shape plan of a later one. */
      return &instance->functions[i];
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
