/* The calls that HarfBuzz makes: shape_plan_create(), shape() and shape_plan_destroy().
 *
 * HarfBuzz would answer a trap, or a 0 from shape(), with a second try and then with text left
 * unshaped.  Here each of them succeeds: what the guest cannot do, OpenType does. */

#include "hb.hh"
#include "hb-buffer.hh"

#include "instance.hh"
#include "observer.hh"
#include "settings.hh"

#include <stdio.h>

using namespace fontgen;

static bool create_plan (fontgen_instance *instance, wasm_val_t *results, const wasm_val_t *arguments)
{
  instance->face = instance->references.object_of ((uint32_t) arguments[0].of.i32);
  wt_value value;
  value.i64 = (uint32_t) arguments[0].of.i32;
  /* A failure counts in the shape() that follows. */
  if (instance->store && instance->exported[fontgen_function::SHAPE_PLAN_CREATE] &&
      invoke (instance, &instance->exports[fontgen_function::SHAPE_PLAN_CREATE], &value, 1))
    instance->plan = (uint32_t) value.i32;
  /* HarfBuzz needs to know only that there is one; after a failure it may be another. */
  results[0].of.i32 = 1;
  return true;
}

static void destroy_plan (fontgen_instance *instance)
{
  if (!instance->plan || !instance->store || !instance->exported[fontgen_function::SHAPE_PLAN_DESTROY]) return;
  wt_value value;
  value.i64 = instance->plan;
  instance->plan = 0;
  invoke (instance, &instance->exports[fontgen_function::SHAPE_PLAN_DESTROY], &value, 1);
  end_call (instance);
}

/* Shows a guest that asks for it the text together with what stands around it in its paragraph, of
 * which HarfBuzz's own API has no function to tell: programs shape lines, and runs of one font or
 * script, by themselves, but say where they were cut from.  The buffer then holds the text alone
 * again; false when it cannot, or the guest failed. */
static bool show_context (fontgen_instance *instance, hb_buffer_t *buffer, const wasm_val_t *arguments)
{
  if (!instance->exported[fontgen_function::SHAPE_CONTEXT] || !instance->text.add_context (buffer)) return true;
  wt_value values[2];
  for (unsigned i = 0; i < 2; i++) values[i].i64 = (uint32_t) arguments[1 + i].of.i32;
  bool ok = invoke (instance, &instance->exports[fontgen_function::SHAPE_CONTEXT], values, 2);
  return instance->text.restore (buffer) && ok;
}

/* The guest did not do what it is for: this counts like a trap. */
static bool refuse (fontgen_instance *instance, const char *reason)
{
  snprintf (instance->message, sizeof instance->message, "%s", reason);
  explain ("%s", reason);
  instance->call_failed = true;
  return false;
}

/* A guest may show a part of what there is to show, so that its call is short; who observes it wants to know. */
static bool ask_whether_finished (fontgen_instance *instance)
{
  if (!is_observed () || !instance->exported[fontgen_function::SHAPE_FINISHED]) return true;
  wt_value value;
  if (!invoke (instance, &instance->exports[fontgen_function::SHAPE_FINISHED], &value, 1)) return false;
  observe_finished (value.i32);
  return true;
}

/* Whether the guest shaped the text, and its result can be shown. */
static bool shape_by_guest (fontgen_instance *instance, hb_buffer_t *buffer, const wasm_val_t *arguments)
{
  if (!ensure_alive (instance)) return false;
  if (!instance->exported[fontgen_function::SHAPE]) return refuse (instance, "it has no function shape() of HarfBuzz's type");
  const uint32_t n_features = (uint32_t) arguments[4].of.i32;
  if (n_features && !arguments[3].of.i32) return refuse (instance, "it has no memory for the features");
  if (!show_context (instance, buffer, arguments)) return false;
  wt_value values[5];
  for (unsigned i = 0; i < 5; i++) values[i].i64 = (uint32_t) arguments[i].of.i32;
  values[0].i64 = instance->plan;
  instance->wrote = instance->laid_out = false;
  if (!invoke (instance, &instance->exports[fontgen_function::SHAPE], values, 5)) return false;
  if (!values[0].i32) return refuse (instance, "its shape() returned 0");
  if (!buffer->successful) return refuse (instance, "its result did not fit into the buffer");
  /* What HarfBuzz alone made of the text has the text's clusters. */
  if (instance->wrote || !instance->laid_out) instance->text.settle_clusters (buffer);
  return ask_whether_finished (instance);
}

static bool shape (fontgen_instance *instance, wasm_val_t *results, const wasm_val_t *arguments)
{
  const uint32_t font_number = (uint32_t) arguments[1].of.i32, buffer_number = (uint32_t) arguments[2].of.i32;
  hb_font_t *font = (hb_font_t *) instance->references.object_of (font_number);
  hb_buffer_t *buffer = (hb_buffer_t *) instance->references.object_of (buffer_number);
  if (!font || !buffer || !instance->text.keep (buffer)) return false;
  const bool has_features = arguments[4].of.i32;
  if (!has_features) instance->features.forget ();

  bool ok = instance->shaped = shape_by_guest (instance, buffer, arguments);
  if (!ok)
  {
    trace ("shaped by OpenType instead: %s", explanation ());
    if (instance->failed) bury (instance);
    ok = instance->text.shape_by_opentype (font, buffer, instance->features);
  }
  observe_result (instance->shaped, instance->said);
  instance->references.forget (font_number);
  instance->references.forget (buffer_number);
  /* Else it is over when HarfBuzz has freed the features. */
  if (!has_features) end_call (instance);
  results[0].of.i32 = ok;
  return ok;
}

bool wasm_runtime_call_wasm_a (wasm_exec_env_t instance, wasm_function_inst_t function, uint32_t n_results,
			       wasm_val_t *results, uint32_t n_arguments, wasm_val_t *arguments)
{
  switch (function->role)
  {
    case fontgen_function::SHAPE:
      return n_arguments == 5 && n_results == 1 && shape (instance, results, arguments);
    case fontgen_function::SHAPE_PLAN_CREATE:
      return n_arguments == 1 && n_results == 1 && create_plan (instance, results, arguments);
    default:
      destroy_plan (instance);
      return true;
  }
}
