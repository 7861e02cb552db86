/* Compiled modules on disk.  What is read from here runs as native code, so the directory must be
 * the user's own and private, and every file is checked before Wasmtime sees it. */
#ifndef FONTGEN_MODULE_CACHE_HH
#define FONTGEN_MODULE_CACHE_HH

#include "wasmtime_abi.hh"

namespace fontgen {

/* The file name for a module with that SHA-256, under this engine's configuration. */
struct cache_entry_t {
  explicit cache_entry_t (const char module_sha256[65]);
  /* The module, or null where there is none, or none that is sound. */
  wt_object *read () const;
  void write (wt_object *module) const;

  private:
  char path[4096 + 80]; /* "" when there is no cache */
};

} /* namespace fontgen */

#endif
