/* An instance of a module: what HarfBuzz keeps per face and lends to one thread at a time.
 *
 * It outlives the Wasm instance in it.  After a trap or a time-out the Wasm instance is thrown away
 * and the next shaping call gets a fresh one; meanwhile, and for a while after several failures in a
 * row, OpenType shapes the text.  HarfBuzz sees none of this: it would leave the text unshaped. */
#ifndef FONTGEN_INSTANCE_HH
#define FONTGEN_INSTANCE_HH

#include "guest_heap.hh"
#include "module.hh"
#include "references.hh"
#include "text_snapshot.hh"
#include "wasm_export.h"
#include "wasmtime_abi.hh"

/* One of the functions that HarfBuzz calls in a guest, or shape_context() and shape_finished(), which are called
 * from here. */
struct fontgen_function {
  enum role_t { SHAPE, SHAPE_PLAN_CREATE, SHAPE_PLAN_DESTROY, SHAPE_CONTEXT, SHAPE_FINISHED, N_ROLES } role;
};

struct fontgen_instance {
  fontgen_module *module;
  uint32_t heap_bytes;		/* that a guest without malloc() is given */

  /* The Wasm instance; `store` is null when there is none. */
  fontgen::wt_object *store;
  fontgen::wt_object *context;
  fontgen::wt_instance wasm;
  bool has_memory;
  fontgen::wt_memory memory;
  bool exported[fontgen_function::N_ROLES];
  fontgen::wt_func exports[fontgen_function::N_ROLES];
  bool failed;			/* it trapped or timed out and must not run again */
  bool shaped;			/* the running shaping call's text is the guest's */
  bool wrote;			/* it changed the buffer in the running shaping call by itself */
  bool laid_out;		/* HarfBuzz shaped the buffer for it in that call */
  bool call_failed;		/* something in the running shaping call was the guest's fault */
  unsigned depth;		/* calls into it that are running */
  bool in_guest_heap;		/* the innermost of them is its malloc() or free() */
  char message[256];		/* of the last failure */
  char said[256];		/* the last line that the guest passed to debugprint() */

  void *face;			/* what shape_plan_create() was given */
  uint32_t plan;		/* and what it returned: the guest's own business */

  fontgen_function functions[fontgen_function::N_ROLES];
  fontgen::guest_heap_t heap;
  fontgen::references_t references;
  fontgen::features_t features;
  fontgen::text_snapshot_t text;
};

namespace fontgen {

/* The instance whose guest runs on this thread; null when none does. */
fontgen_instance *current_instance ();

/* Makes the Wasm instance and its shape plan, unless it is there.  False when it cannot, has failed
 * in this shaping call, or too often: OpenType shapes, and explanation() says why. */
bool ensure_alive (fontgen_instance *instance);

/* The shaping call is over: counts how it went, and the next one has the whole time limit again. */
void end_call (fontgen_instance *instance);

/* Throws the Wasm instance away. */
void bury (fontgen_instance *instance);

/* Calls a function of the guest, for as long as the time limit leaves to the running shaping call.
 * `values` holds the arguments, then the results. */
bool invoke (fontgen_instance *instance, const wt_func *function, wt_value *values, size_t n_values);

/* Bytes of linear memory. */
size_t memory_size (const fontgen_instance *instance);

/* Looks an exported function up; `n_results` and `n_arguments` i32s, or it is not the one. */
bool find_export (const fontgen_instance *instance, const char *name, size_t n_arguments, size_t n_results, wt_func *function);

} /* namespace fontgen */

#endif
