/* What operating systems do each in their own way: libraries, rights, limits. */
#ifndef FONTGEN_PLATFORM_HH
#define FONTGEN_PLATFORM_HH

#include <stddef.h>
#include <stdint.h>

namespace fontgen {

/* Opens a shared library for the rest of the process's life, its names visible to nobody else; null
 * where it cannot be. */
void *open_library (const char *path);
void *function_of (void *library, const char *name);

/* Why the last open_library() on this thread failed. */
const char *library_failure ();

/* A function of a library that the program may have anyway, without linking with it; or null. */
inline void *find_function (const char *library, const char *name)
{
  void *opened = open_library (library);
  return opened ? function_of (opened, name) : nullptr;
}

/* The path of a file beside the library that this code is in; false where that is not known. */
bool path_beside (const char *name, char *path, size_t size);

/* Whether the program runs with more rights than its user. */
bool is_privileged ();

/* Bytes that the process may map in all; 0 where there is no limit. */
uint64_t address_space_limit ();

} /* namespace fontgen */

#endif
