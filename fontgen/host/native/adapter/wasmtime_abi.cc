/* Opening Wasmtime's shared library. */

#include "wasmtime_abi.hh"
#include "platform.hh"
#include "settings.hh"

#include <stdlib.h>
#include <string.h>

namespace fontgen {

wasmtime_functions wasmtime;

#if defined(__APPLE__)
static const char library_name[] = "_libwasmtime.dylib";
#elif defined(_WIN32)
static const char library_name[] = "_wasmtime.dll";
#else
static const char library_name[] = "_libwasmtime.so";
#endif

static void *find_wasmtime ()
{
  const char *named = getenv ("FONTGEN_WASMTIME");
  if (named && *named) return open_library (named);
  char path[4096];
  if (path_beside (library_name, path, sizeof path))
    if (void *library = open_library (path)) return library;
  return open_library (library_name);
}

bool open_wasmtime ()
{
  static void *library;
  if (!library && !(library = find_wasmtime ()))
  {
    trace ("Wasmtime cannot be opened: %s", library_failure ());
    return false;
  }
#define X(result, name, parameters) \
  if (!(wasmtime.name = (result (*) parameters) function_of (library, #name))) \
  { \
    trace ("Wasmtime has no function " #name ": it is not the version this library was built for"); \
    return false; \
  }
  FONTGEN_WASMTIME_FUNCTIONS
#undef X
  return true;
}

bool take_failure (wt_object *error, wt_object *trap, char *message, size_t size)
{
  if (!error && !trap) return false;
  wt_bytes text = {0, nullptr};
  if (error)
  {
    wasmtime.wasmtime_error_message (error, &text);
    wasmtime.wasmtime_error_delete (error);
  }
  else wasmtime.wasm_trap_message (trap, &text);
  if (trap) wasmtime.wasm_trap_delete (trap);
  if (size)
  {
    size_t n = text.size < size - 1 ? text.size : size - 1;
    memcpy (message, text.data, n);
    message[n] = 0;
    trace ("%s", message);
  }
  wasmtime.wasm_byte_vec_delete (&text);
  return true;
}

} /* namespace fontgen */
