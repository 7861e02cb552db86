/* What the environment asks for: every FONTGEN_WASM* variable is read here, once per process.
 * fontgen/host/native/README.md has the table of them. */
#ifndef FONTGEN_SETTINGS_HH
#define FONTGEN_SETTINGS_HH

#include <stdint.h>

namespace fontgen {

enum policy_t {
  POLICY_ON,	  /* every font's Wasm table runs */
  POLICY_OFF,	  /* none does */
  POLICY_LISTED	  /* those whose SHA-256 is in the list */
};

struct settings_t {
  policy_t policy;
  bool ask;			/* tell on stderr which fonts the list keeps from running */
  char allow_list[4096];	/* path of the list; "" when there is none */
  unsigned timeout_ms;		/* for all that a shaping call comes to; 0 is no limit */
  int64_t memory_bytes;		/* per instance; -1 is no limit */
  uint64_t code_bytes;		/* of a module's code section */
  bool signals;			/* let Wasmtime turn SIGSEGV into traps */
  char cache_directory[4096];	/* of compiled modules; "" is none */
  bool trace;
};

/* Read once; thread-safe. */
const settings_t &settings ();

/* To stderr, with FONTGEN_WASM_TRACE=1 only. */
void trace (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* Milliseconds on a clock that never goes back. */
double now_ms ();

} /* namespace fontgen */

#endif
