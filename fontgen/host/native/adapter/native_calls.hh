/* HarfBuzz's functions as imports of a guest. */
#ifndef FONTGEN_NATIVE_CALLS_HH
#define FONTGEN_NATIVE_CALLS_HH

#include "wasmtime_abi.hh"

namespace fontgen {

/* Defines the import in the linker, if HarfBuzz has a function of that name and type. */
void define_native (wt_object *linker, const wt_bytes *module, const wt_bytes *name, const wt_object *type);

/* Once, when HarfBuzz has registered its functions. */
void prepare_natives ();

} /* namespace fontgen */

#endif
