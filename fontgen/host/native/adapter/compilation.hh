/* Compiling a module without letting it hang the program: in a thread, waited for no longer than
 * the time limit.  A module that takes longer is ready later; until then OpenType shapes. */
#ifndef FONTGEN_COMPILATION_HH
#define FONTGEN_COMPILATION_HH

#include "wasm_binary.hh"
#include "wasmtime_abi.hh"

namespace fontgen {

/* A module compiled and linked with HarfBuzz's functions.  Both are null where it is not valid. */
struct compiled_t {
  wt_object *module;
  wt_object *linked;	/* wasmtime_instance_pre_t */
};

struct compilation_t;

/* Begins, and waits; null and a `message` where the table is known by then to be unusable, or there
 * is no memory.  `table` is copied if it is needed for longer. */
compilation_t *begin_compilation (span_t table, char *message, size_t size);

/* The result; null while it is not there, or where there is none, with a reason. */
const compiled_t *result_of (compilation_t *compilation, const char **reason);

/* Lets go of it; what it made is deleted with the last user. */
void release_compilation (compilation_t *compilation);

} /* namespace fontgen */

#endif
