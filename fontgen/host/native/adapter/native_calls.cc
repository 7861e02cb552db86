#include "native_calls.hh"
#include "engine.hh"
#include "instance.hh"
#include "observer.hh"
#include "settings.hh"
#include "vector_registers.hh"

#include <string.h>

namespace fontgen {

/* Calls `f (instance, ...)` with as many arguments as the signature has, all of them 32 bits wide
 * but for "$".  Each level of recursion takes one letter; the compiler makes one function of it. */
template <unsigned letters_left, typename... Arguments>
struct caller_t {
  static bool call (void *f, fontgen_instance *instance, const char *signature, const wt_value *values,
		    uint32_t *result, Arguments... arguments)
  {
    switch (*signature)
    {
      case ')':
	*result = ((uint32_t (*) (fontgen_instance *, Arguments...)) f) (instance, arguments...);
	return true;
      case 'i':
	return caller_t<letters_left - 1, Arguments..., uint32_t>::call (f, instance, signature + 1, values + 1, result,
									 arguments..., (uint32_t) values->i32);
      case '$':
      {
	uint32_t offset = (uint32_t) values->i32;
	char *text = (char *) wasm_runtime_addr_app_to_native (instance, offset);
	if (!text || !memchr (text, 0, memory_size (instance) - offset)) return false;
	return caller_t<letters_left - 1, Arguments..., char *>::call (f, instance, signature + 1, values + 1, result,
								       arguments..., text);
      }
      default: return false;
    }
  }
};
template <typename... Arguments>
struct caller_t<0, Arguments...> {
  static bool call (void *, fontgen_instance *, const char *, const wt_value *, uint32_t *, Arguments...)
  { return false; }
};

static wt_object *trap_with (const char *message) { return wasmtime.wasmtime_trap_new (message, strlen (message)); }

/* NativeSymbol::attachment of the functions that make an object for the guest to keep, or that shape. */
static char makes_face, makes_font, shapes;

static void own (fontgen_instance *instance, const void *attachment, uint32_t number)
{
  if (attachment == &makes_face) instance->references.own_face (number);
  if (attachment == &makes_font) instance->references.own_font (number);
}

void prepare_natives ()
{
  for (uint32_t i = 0; i < natives ().n_symbols; i++)
  {
    NativeSymbol &symbol = natives ().symbols[i];
    if (!strcmp (symbol.symbol, "face_create")) symbol.attachment = &makes_face;
    if (!strcmp (symbol.symbol, "font_create")) symbol.attachment = &makes_font;
    if (!strcmp (symbol.symbol, "shape_with")) symbol.attachment = &shapes;
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
  if (symbol->attachment == &shapes && !may_shape_with (instance, values))
  {
    values[0].i64 = 0;
    return nullptr;
  }
  if (!caller_t<8>::call (symbol->func_ptr, instance, symbol->signature + 1, values, &result))
    return trap_with ("out of bounds memory access");
  clear_upper_halves ();	/* HarfBuzz may have called the program: for a table, for an advance */
  if (instance->failed) return trap_with ("malloc() or free() of the guest failed");
  if (symbol->attachment) own (instance, symbol->attachment, result);
  if (strchr (symbol->signature, ')')[1]) values[0].i64 = result;
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
