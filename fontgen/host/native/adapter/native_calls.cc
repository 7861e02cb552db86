#include "native_calls.hh"
#include "engine.hh"
#include "instance.hh"
#include "observer.hh"
#include "settings.hh"
#include "vector_registers.hh"

#include <string.h>

namespace fontgen {

enum outcome_t { OUT_OF_BOUNDS, NO_RESULT, A_RESULT };

/* Calls `f (instance, ...)` with as many arguments as the signature has, all of them 32 bits wide
 * but for "$".  Each level of recursion takes one letter; the compiler makes one function of it. */
template <unsigned letters_left, typename... Arguments>
struct caller_t {
  static outcome_t call (void *f, fontgen_instance *instance, const char *signature, const wt_value *values,
			 uint32_t *result, Arguments... arguments)
  {
    switch (*signature)
    {
      case ')':
	*result = ((uint32_t (*) (fontgen_instance *, Arguments...)) f) (instance, arguments...);
	return signature[1] ? A_RESULT : NO_RESULT;
      case 'i':
	return caller_t<letters_left - 1, Arguments..., uint32_t>::call (f, instance, signature + 1, values + 1, result,
									 arguments..., (uint32_t) values->i32);
      case '$':
      {
	uint32_t offset = (uint32_t) values->i32;
	char *text = (char *) wasm_runtime_addr_app_to_native (instance, offset);
	if (!text || !memchr (text, 0, memory_size (instance) - offset)) return OUT_OF_BOUNDS;
	return caller_t<letters_left - 1, Arguments..., char *>::call (f, instance, signature + 1, values + 1, result,
								       arguments..., text);
      }
      default: return OUT_OF_BOUNDS;
    }
  }
};
template <typename... Arguments>
struct caller_t<0, Arguments...> {
  static outcome_t call (void *, fontgen_instance *, const char *, const wt_value *, uint32_t *, Arguments...)
  { return OUT_OF_BOUNDS; }
};

static wt_object *trap_with (const char *message) { return wasmtime.wasmtime_trap_new (message, strlen (message)); }

/* What NativeSymbol::attachment points to: how a function differs from others. */
enum kind_t { ORDINARY, MAKES_FACE, MAKES_FONT, SHAPES, WRITES };
static const struct { const char *name; kind_t kind; } kinds[] = {
  {"", ORDINARY},
  {"face_create", MAKES_FACE},
  {"font_create", MAKES_FONT},
  {"shape_with", SHAPES},
  {"buffer_set_contents", WRITES},
  {"buffer_reverse", WRITES},
  {"buffer_reverse_clusters", WRITES},
};

static kind_t kind_of (const NativeSymbol *symbol) { return *(const kind_t *) symbol->attachment; }

void prepare_natives ()
{
  for (uint32_t i = 0; i < natives ().n_symbols; i++)
  {
    NativeSymbol &symbol = natives ().symbols[i];
    symbol.attachment = (void *) &kinds[0].kind;
    for (const auto &k : kinds)
      if (!strcmp (symbol.symbol, k.name)) symbol.attachment = (void *) &k.kind;
  }
}

/* Makes a note of what the function has done that holds for longer than its call. */
static void note (fontgen_instance *instance, kind_t kind, uint32_t result)
{
  switch (kind)
  {
    case MAKES_FACE: instance->references.own_face (result); break;
    case MAKES_FONT: instance->references.own_font (result); break;
    case SHAPES: instance->laid_out = instance->laid_out || result; break;
    case WRITES: instance->wrote = true; break;
    case ORDINARY: break;
  }
}

/* HarfBuzz itself refuses to run "wasm" for a guest, which could call itself until the stack ends;
 * "graphite2" is our other name for that. */
static bool may_shape_with (fontgen_instance *instance, const wt_value *values)
{
  const char *shaper = (const char *) wasm_runtime_addr_app_to_native (instance, (uint32_t) values[4].i32);
  if (shaper && wasm_runtime_validate_app_addr (instance, (uint32_t) values[4].i32, sizeof "graphite2") &&
      !memcmp (shaper, "graphite2", sizeof "graphite2"))
    return false;
  if (void *buffer = instance->references.object_of ((uint32_t) values[1].i32)) observe_text ((hb_buffer_t *) buffer);
  return true;
}

/* What Wasmtime calls for every import; values[] holds the arguments, then the result. */
static wt_object *call_native (void *environment, void *, wt_value *values, size_t)
{
  const NativeSymbol *symbol = (const NativeSymbol *) environment;
  fontgen_instance *instance = current_instance ();
  /* HarfBuzz's functions hold pointers into the buffer while they allocate from the guest. */
  if (instance->in_guest_heap) return trap_with ("malloc() or free() of the guest called HarfBuzz");

  uint32_t result = 0;
  const kind_t kind = kind_of (symbol);
  if (kind == SHAPES && !may_shape_with (instance, values))
  {
    values[0].i64 = 0;
    return nullptr;
  }
  const outcome_t outcome = caller_t<8>::call (symbol->func_ptr, instance, symbol->signature + 1, values, &result);
  if (outcome == OUT_OF_BOUNDS) return trap_with ("out of bounds memory access");
  clear_upper_halves ();	/* HarfBuzz may have called the program: for a table, for an advance */
  if (instance->failed) return trap_with ("malloc() or free() of the guest failed");
  note (instance, kind, result);
  if (outcome == A_RESULT) values[0].i64 = result;
  return nullptr;
}

static bool all_i32 (const wt_pointers *types, size_t expected)
{
  if (types->size != expected) return false;
  for (size_t i = 0; i < expected; i++)
    if (wasmtime.wasm_valtype_kind (types->data[i]) != WASM_I32) return false;
  return true;
}

static bool same (const wt_bytes *bytes, const char *text)
{ return bytes->size == strlen (text) && !memcmp (bytes->data, text, bytes->size); }

void define_native (wt_object *linker, const wt_bytes *module, const wt_bytes *name, const wt_object *type)
{
  if (wasmtime.wasm_externtype_kind (type) != WT_EXTERN_FUNC || !same (module, natives ().module_name)) return;
  const wt_object *function = wasmtime.wasm_externtype_as_functype_const (type);
  for (uint32_t i = 0; i < natives ().n_symbols; i++)
  {
    NativeSymbol *symbol = &natives ().symbols[i];
    if (!same (name, symbol->symbol)) continue;
    const char *end = strchr (symbol->signature, ')');
    if (!all_i32 (wasmtime.wasm_functype_params (function), (size_t) (end - symbol->signature - 1)) ||
	!all_i32 (wasmtime.wasm_functype_results (function), strlen (end + 1)))
    {
      trace ("import %s has another type", symbol->symbol);
      return;
    }
    char message[256];
    take_failure (wasmtime.wasmtime_linker_define_func_unchecked (linker, module->data, module->size, name->data,
								  name->size, function, call_native, symbol, nullptr),
		  nullptr, message, sizeof message);
    return;
  }
}

} /* namespace fontgen */
