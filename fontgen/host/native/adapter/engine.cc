#include "engine.hh"
#include "deadline.hh"
#include "native_calls.hh"
#include "observer.hh"
#include "platform.hh"
#include "settings.hh"

#include <pthread.h>
#include <stdio.h>

namespace fontgen {

/* Guests run on the calling thread's stack, which may be a small one. */
static const size_t GUEST_STACK_BYTES = 256 * 1024;

static wt_object *the_engine;
static natives_t the_natives;
static char the_fingerprint[128];

wt_object *engine () { return the_engine; }
const natives_t &natives () { return the_natives; }
const char *engine_fingerprint () { return the_fingerprint; }

static bool create_engine ()
{
  double started = now_ms ();
  if (!open_wasmtime ())
  {
    remember_refusal (nullptr, 0, "Wasmtime cannot be opened: FONTGEN_WASM_TRACE=1 says why");
    return false;
  }
  const settings_t &s = settings ();
  wt_object *config = wasmtime.wasm_config_new ();
  wasmtime.wasmtime_config_cranelift_opt_level_set (config, WT_OPT_LEVEL_SPEED);
  /* A GUI program's start is no place for a pool of compiler threads; modules are small. */
  wasmtime.wasmtime_config_parallel_compilation_set (config, false);
  wasmtime.wasmtime_config_max_wasm_stack_set (config, GUEST_STACK_BYTES);
  wasmtime.wasmtime_config_wasm_relaxed_simd_deterministic_set (config, true);
  if (s.timeout_ms) wasmtime.wasmtime_config_epoch_interruption_set (config, true);
  if (!s.signals) wasmtime.wasmtime_config_signals_based_traps_set (config, false);

  /* By default each memory reserves 4 GiB of addresses and never moves, which HarfBuzz's API
   * functions rely on when guest malloc() grows the memory under a pointer they hold.  Where the
   * address space is limited, reserve the memory limit only. */
  uint64_t reserve = 0;
  if (uint64_t limit = address_space_limit ())
  {
    reserve = limit / 8;
    if (s.memory_bytes >= 0 && reserve > (uint64_t) s.memory_bytes) reserve = s.memory_bytes;
    reserve &= ~(uint64_t) 0xffff;
    wasmtime.wasmtime_config_memory_reservation_set (config, reserve);
    wasmtime.wasmtime_config_memory_guard_size_set (config, 65536);
  }
  wasmtime.wasmtime_config_memory_may_move_set (config, false);

  the_engine = wasmtime.wasm_engine_new_with_config (config);
  if (!the_engine) return false;
  snprintf (the_fingerprint, sizeof the_fingerprint, "wasmtime-50 epoch=%d signals=%d reserve=%llx", s.timeout_ms > 0,
	    (int) s.signals, (unsigned long long) reserve);
  prepare_ticking ();
  trace ("engine: %.2f ms", now_ms () - started);
  return true;
}

} /* namespace fontgen */

using namespace fontgen;

/* HarfBuzz's _hb_wasm_init() is not thread-safe and may call this from two threads. */
bool wasm_runtime_full_init (RuntimeInitArgs *arguments)
{
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static bool tried, succeeded;
  if (settings ().policy == POLICY_OFF)
  {
    remember_refusal (nullptr, 0, "FONTGEN_WASM lets no Wasm font run");
    return false;
  }
  pthread_mutex_lock (&mutex);
  if (!tried)
  {
    tried = true;
    the_natives = {arguments->native_module_name, arguments->native_symbols, arguments->n_native_symbols};
    prepare_natives ();
    succeeded = create_engine ();
  }
  bool ok = succeeded;
  pthread_mutex_unlock (&mutex);
  return ok;
}
