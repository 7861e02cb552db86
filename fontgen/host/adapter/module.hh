/* A font's Wasm table, checked, compiled and linked with HarfBuzz's functions. */
#ifndef FONTGEN_MODULE_HH
#define FONTGEN_MODULE_HH

#include "wasm_export.h"
#include "wasmtime_abi.hh"

/* One per hb_face_t; used from several threads at once, so only the counter changes. */
struct fontgen_module {
  fontgen::wt_object *module;
  fontgen::wt_object *linked;	/* wasmtime_instance_pre_t */
  unsigned failures;		/* atomic; in a row */
};

namespace fontgen {

/* A guest that fails that often in a row is not run again: each attempt may cost the time limit. */
enum { MOST_FAILURES = 3 };

void count_failure (fontgen_module *module);
void count_success (fontgen_module *module);
bool given_up (const fontgen_module *module);

} /* namespace fontgen */

#endif
