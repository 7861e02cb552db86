/* A font's Wasm table, allowed to run and compiled. */
#ifndef FONTGEN_MODULE_HH
#define FONTGEN_MODULE_HH

#include "compilation.hh"
#include "wasm_export.h"

/* One per hb_face_t; used from several threads at once. */
struct fontgen_module {
  fontgen::compilation_t *compilation;
  unsigned failures;		/* atomic; in a row */
  uint64_t failing_ms;		/* atomic; what those cost */
  uint64_t last_failure_ms;	/* atomic */
};

namespace fontgen {

/* A guest whose calls fail FONTGEN_MOST_FAILURES times in a row, or cost a whole time limit while they
 * do, is left alone for a while: a program waits for each of them, where a page does not.  Not for ever,
 * since the machine may only have been busy, and programs run for days. */
enum { PAUSE_MS = 60 * 1000 };

void count_failure (fontgen_module *module, double milliseconds);
void count_success (fontgen_module *module);
bool given_up (const fontgen_module *module);

} /* namespace fontgen */

#endif
