#include "compilation.hh"
#include "background_thread.hh"
#include "deadline.hh"
#include "engine.hh"
#include "module_cache.hh"
#include "native_calls.hh"
#include "settings.hh"
#include "sha256.hh"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

namespace fontgen {

/* A portable module may carry the same program with SIMD instructions in a custom section of this
 * name: other hosts skip custom sections, this one prefers it. */
static const char simd_section[] = "simd128";

enum { COMPILER_STACK_BYTES = 8 << 20 };

struct compilation_t {
  unsigned users;	/* atomic: the face, and the thread while it runs */
  bool finished;	/* atomic; set under the mutex */
  compiled_t result;
  char message[256];
  pthread_mutex_t mutex;
  pthread_cond_t done;
  span_t table;		/* a copy, until finished */
};

/* From the cache, or null. */
static wt_object *read_compiled (span_t binary)
{
  sha256_t digest;
  digest.add (binary.data, binary.size);
  char hex[65];
  digest.finish (hex);
  return cache_entry_t (hex).read ();
}

static bool small_enough (span_t binary, char *message, size_t size)
{
  if (code_size (binary) <= settings ().code_bytes) return true;
  snprintf (message, size, "%zu bytes of code are more than FONTGEN_WASM_CODE_MB allows", code_size (binary));
  return false;
}

/* Compiled and put into the cache; null, and why in `message`, where it is not valid. */
static wt_object *compile (span_t binary, char *message, size_t size)
{
  double started = now_ms ();
  wt_object *module = nullptr;
  wt_object *error = wasmtime.wasmtime_module_new (engine (), binary.data, binary.size, &module);
  if (take_failure (error, nullptr, message, size)) return nullptr;
  trace ("compiled %zu bytes: %.2f ms", binary.size, now_ms () - started);
  sha256_t digest;
  digest.add (binary.data, binary.size);
  char hex[65];
  digest.finish (hex);
  cache_entry_t (hex).write (module);
  return module;
}

/* Resolves imports: HarfBuzz's functions by name and type; any other function traps when called. */
static wt_object *link (wt_object *module, char *message, size_t size)
{
  wt_object *linker = wasmtime.wasmtime_linker_new (engine ());
  wasmtime.wasmtime_linker_allow_shadowing (linker, true);
  wt_pointers imports;
  wasmtime.wasmtime_module_imports (module, &imports);
  for (size_t i = 0; i < imports.size; i++)
    define_native (linker, wasmtime.wasm_importtype_module (imports.data[i]),
		   wasmtime.wasm_importtype_name (imports.data[i]), wasmtime.wasm_importtype_type (imports.data[i]));
  wasmtime.wasm_importtype_vec_delete (&imports);

  wt_object *linked = nullptr;
  wt_object *error = wasmtime.wasmtime_linker_define_unknown_imports_as_traps (linker, module);
  if (!error) error = wasmtime.wasmtime_linker_instantiate_pre (linker, module, &linked);
  wasmtime.wasmtime_linker_delete (linker);
  return take_failure (error, nullptr, message, size) ? nullptr : linked;
}

static compiled_t linked (wt_object *module, char *message, size_t size)
{
  compiled_t result = {module, module ? link (module, message, size) : nullptr};
  if (module && !result.linked)
  {
    wasmtime.wasmtime_module_delete (module);
    result.module = nullptr;
  }
  return result;
}

static void *compile_in_thread (void *argument)
{
  compilation_t *c = (compilation_t *) argument;
  span_t inner = custom_section (c->table, simd_section);
  wt_object *module = inner.size ? compile (inner, c->message, sizeof c->message) : nullptr;
  if (!module) module = compile (c->table, c->message, sizeof c->message);
  c->result = linked (module, c->message, sizeof c->message);
  free ((void *) c->table.data);
  c->table = {nullptr, 0};

  pthread_mutex_lock (&c->mutex);
  __atomic_store_n (&c->finished, true, __ATOMIC_RELEASE);
  pthread_cond_signal (&c->done);
  pthread_mutex_unlock (&c->mutex);
  release_compilation (c);
  return nullptr;
}

/* Whether it finished within the time limit. */
static bool wait_for (compilation_t *c)
{
  const waiting_t waiting;
  const bool unlimited = !settings ().timeout_ms;
  const unsigned limit = unlimited ? 0 : (unsigned) (time_left () > 0 ? time_left () : 0);
  struct timespec until;
  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += limit / 1000;
  until.tv_nsec += (long) (limit % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) { until.tv_sec++; until.tv_nsec -= 1000000000; }
  pthread_mutex_lock (&c->mutex);
  while (!c->finished)
    if (unlimited) pthread_cond_wait (&c->done, &c->mutex);
    else if (pthread_cond_timedwait (&c->done, &c->mutex, &until) == ETIMEDOUT) break;
  bool finished = c->finished;
  pthread_mutex_unlock (&c->mutex);
  return finished;
}

compilation_t *begin_compilation (span_t table, char *message, size_t size)
{
  span_t inner = custom_section (table, simd_section);
  if (!small_enough (table, message, size) || !small_enough (inner, message, size)) return nullptr;
  compilation_t *c = (compilation_t *) calloc (1, sizeof *c);
  if (!c)
  {
    snprintf (message, size, "out of memory");
    return nullptr;
  }
  c->users = 1;
  pthread_condattr_t clock;
  pthread_condattr_init (&clock);
#ifndef __APPLE__
  pthread_condattr_setclock (&clock, CLOCK_MONOTONIC);
#endif
  pthread_cond_init (&c->done, &clock);
  pthread_condattr_destroy (&clock);
  pthread_mutex_init (&c->mutex, nullptr);

  /* What was compiled before needs no thread. */
  wt_object *module = inner.size ? read_compiled (inner) : nullptr;
  if (!module && !inner.size) module = read_compiled (table);
  if (module)
  {
    c->result = linked (module, message, size);
    c->finished = true;
  }
  else
  {
    uint8_t *copy = (uint8_t *) malloc (table.size);
    if (copy)
    {
      memcpy (copy, table.data, table.size);
      c->table = {copy, table.size};
      c->users = 2;
      if (!start_background_thread (compile_in_thread, c, COMPILER_STACK_BYTES))
	compile_in_thread (c);	/* here, then */
      if (!wait_for (c))
      {
	trace ("compiling takes longer than the time limit: OpenType shapes until it is done");
	return c;
      }
      snprintf (message, size, "%s", c->message);
    }
    else snprintf (message, size, "out of memory");
  }
  if (c->result.linked) return c;
  release_compilation (c);
  return nullptr;
}

const compiled_t *result_of (compilation_t *c, const char **reason)
{
  const bool finished = __atomic_load_n (&c->finished, __ATOMIC_ACQUIRE);
  *reason = finished ? c->message : "its program is still being compiled";
  return finished && c->result.linked ? &c->result : nullptr;
}

void release_compilation (compilation_t *c)
{
  if (__atomic_sub_fetch (&c->users, 1, __ATOMIC_ACQ_REL)) return;
  if (c->result.linked) wasmtime.wasmtime_instance_pre_delete (c->result.linked);
  if (c->result.module) wasmtime.wasmtime_module_delete (c->result.module);
  free ((void *) c->table.data);
  pthread_cond_destroy (&c->done);
  pthread_mutex_destroy (&c->mutex);
  free (c);
}

} /* namespace fontgen */
