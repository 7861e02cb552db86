#include "platform.hh"

#include <stdio.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace fontgen {

/* Any address of this library. */
static const char here = 0;

static bool beside (const char *library, const char *separators, const char *name, char *path, size_t size)
{
  const char *end = nullptr;
  for (const char *p = library; *p; p++) if (strchr (separators, *p)) end = p;
  if (!end) return false;
  int n = snprintf (path, size, "%.*s/%s", (int) (end - library), library, name);
  return n > 0 && (size_t) n < size;
}

#ifdef _WIN32

void *open_library (const char *path) { return (void *) LoadLibraryA (path); }
void *function_of (void *library, const char *name) { return (void *) GetProcAddress ((HMODULE) library, name); }
const char *library_failure () { return "LoadLibrary() failed"; }

bool path_beside (const char *name, char *path, size_t size)
{
  HMODULE module;
  char library[MAX_PATH];
  const DWORD flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
  if (!GetModuleHandleExA (flags, &here, &module)) return false;
  DWORD n = GetModuleFileNameA (module, library, sizeof library);
  return n && n < sizeof library && beside (library, "/\\", name, path, size);
}

bool is_privileged () { return false; }
uint64_t address_space_limit () { return 0; }

#else

/* RTLD_LOCAL: the program may have the same library in another version. */
void *open_library (const char *path) { return dlopen (path, RTLD_NOW | RTLD_LOCAL); }
void *function_of (void *library, const char *name) { return dlsym (library, name); }

const char *library_failure ()
{
  const char *reason = dlerror ();
  return reason ? reason : "unknown";
}

bool path_beside (const char *name, char *path, size_t size)
{
  Dl_info library;
  return dladdr (&here, &library) && library.dli_fname && beside (library.dli_fname, "/", name, path, size);
}

bool is_privileged () { return getuid () != geteuid () || getgid () != getegid (); }

uint64_t address_space_limit ()
{
  struct rlimit limit;
  bool limited = !getrlimit (RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY;
  return limited ? (uint64_t) limit.rlim_cur : 0;
}

#endif

} /* namespace fontgen */
