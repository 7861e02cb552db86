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

/* The last of the causes, in one line: Wasmtime's texts begin with where and end with why. */
static void copy_cause (const wt_bytes &text, char *line, size_t size)
{
  size_t start = 0;
  for (size_t i = 0; i < text.size; i++)
  {
    if (i && text.data[i - 1] != '\n') continue;
    static const char heading[] = "Caused by:";
    if (text.size - i >= sizeof heading && !memcmp (text.data + i, heading, sizeof heading - 1)) start = i + sizeof heading - 1;
    /* Where there are several they are numbered. */
    size_t digits = i;
    while (digits < text.size && text.data[digits] == ' ') digits++;
    size_t end = digits;
    while (end < text.size && text.data[end] >= '0' && text.data[end] <= '9') end++;
    if (start && end > digits && text.size - end >= 2 && !memcmp (text.data + end, ": ", 2)) start = end + 2;
  }
  size_t n = 0;
  for (size_t i = start; i < text.size && n + 1 < size; i++)
  {
    const bool blank = strchr (" \t\r\n", text.data[i]);
    if (blank && (!n || line[n - 1] == ' ')) continue;
    line[n++] = blank ? ' ' : text.data[i];
  }
  while (n && line[n - 1] == ' ') n--;
  line[n] = 0;
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
    copy_cause (text, message, size);
    trace ("%.*s", (int) text.size, text.data);
  }
  wasmtime.wasm_byte_vec_delete (&text);
  return true;
}

} /* namespace fontgen */
