/* The one Wasmtime engine of the process and its configuration. */
#ifndef FONTGEN_ENGINE_HH
#define FONTGEN_ENGINE_HH

#include "wasm_export.h"
#include "wasmtime_abi.hh"

namespace fontgen {

/* Valid once wasm_runtime_full_init() has returned true. */
wt_object *engine ();

/* Names what decides whether a compiled module fits: engine version, configuration, processor. */
const char *engine_fingerprint ();

/* The functions that HarfBuzz offers to guests, as it registered them. */
struct natives_t { const char *module_name; NativeSymbol *symbols; uint32_t n_symbols; };
const natives_t &natives ();

} /* namespace fontgen */

#endif
