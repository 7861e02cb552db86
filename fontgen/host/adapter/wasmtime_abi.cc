/* Opening Wasmtime's shared library. */

#include "wasmtime_abi.hh"
#include "settings.hh"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace fontgen {

wasmtime_functions wasmtime;

#if defined(__APPLE__)
static const char library_name[] = "_libwasmtime.dylib";
#else
static const char library_name[] = "_libwasmtime.so";
#endif

/* RTLD_LOCAL: the program may have a Wasmtime of its own, of another version. */
static void *open_library ()
{
  const char *named = getenv ("FONTGEN_WASMTIME");
  if (named && *named) return dlopen (named, RTLD_NOW | RTLD_LOCAL);

  Dl_info here;
  if (dladdr ((void *) &wasmtime, &here) && here.dli_fname)
    if (const char *slash = strrchr (here.dli_fname, '/'))
    {
      char path[4096];
      int n = snprintf (path, sizeof path, "%.*s/%s", (int) (slash - here.dli_fname), here.dli_fname, library_name);
      if (n > 0 && (size_t) n < sizeof path)
	if (void *library = dlopen (path, RTLD_NOW | RTLD_LOCAL)) return library;
    }
  return dlopen (library_name, RTLD_NOW | RTLD_LOCAL);
}

bool open_wasmtime ()
{
  static void *library;
  if (!library && !(library = open_library ()))
  {
    trace ("Wasmtime cannot be opened: %s", dlerror ());
    return false;
  }
#define X(result, name, parameters) \
  if (!(wasmtime.name = (result (*) parameters) dlsym (library, #name))) \
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
