/* Wasmtime's C API, declared by hand: the wheel `wasmtime` carries the library but no headers.
 *
 * The declarations follow version 50 (crates/c-api/include/ of Wasmtime's source, and the wheel's
 * _bindings.py).  The library is opened with dlopen() at the first font that has a Wasm table, so
 * programs that never see one load nothing. */
#ifndef FONTGEN_WASMTIME_ABI_HH
#define FONTGEN_WASMTIME_ABI_HH

#include <stdint.h>
#include <stddef.h>

namespace fontgen {

/* Opaque: wasm_engine_t, wasmtime_module_t, wasmtime_store_t, wasmtime_context_t, ... */
typedef void wt_object;

struct wt_func { uint64_t store; void *index; };
struct wt_memory { struct { uint64_t store; uint32_t index1; } instance; uint32_t index2; };
struct wt_instance { uint64_t store; size_t index; };
struct wt_extern {
  uint8_t kind;
  union { wt_func func; wt_memory memory; uint64_t padding[3]; } of;
};
union wt_value { int32_t i32; int64_t i64; float f32; double f64; uint8_t v128[16]; }; /* wasmtime_val_raw_t */
struct wt_bytes { size_t size; char *data; };
struct wt_pointers { size_t size; void **data; };
typedef wt_object *(*wt_callback) (void *environment, void *caller, wt_value *values, size_t n_values);

static_assert (sizeof (wt_extern) == 32, "wasmtime_extern_t");
static_assert (sizeof (wt_value) == 16, "wasmtime_val_raw_t");
static_assert (sizeof (wt_memory) == 24, "wasmtime_memory_t");

enum { WT_EXTERN_FUNC = 0, WT_EXTERN_MEMORY = 3 };
enum { WT_STRATEGY_AUTO = 0, WT_STRATEGY_CRANELIFT = 1 };
enum { WT_OPT_LEVEL_NONE = 0, WT_OPT_LEVEL_SPEED = 1 };

/* X (result, name, parameters) */
#define FONTGEN_WASMTIME_FUNCTIONS \
  X (wt_object *, wasm_config_new, (void)) \
  X (wt_object *, wasm_engine_new_with_config, (wt_object *config)) \
  X (void, wasmtime_config_cranelift_opt_level_set, (wt_object *config, uint8_t level)) \
  X (void, wasmtime_config_epoch_interruption_set, (wt_object *config, bool on)) \
  X (void, wasmtime_config_signals_based_traps_set, (wt_object *config, bool on)) \
  X (void, wasmtime_config_parallel_compilation_set, (wt_object *config, bool on)) \
  X (void, wasmtime_config_max_wasm_stack_set, (wt_object *config, size_t bytes)) \
  X (void, wasmtime_config_memory_reservation_set, (wt_object *config, uint64_t bytes)) \
  X (void, wasmtime_config_memory_guard_size_set, (wt_object *config, uint64_t bytes)) \
  X (void, wasmtime_config_memory_may_move_set, (wt_object *config, bool on)) \
  X (void, wasmtime_config_wasm_relaxed_simd_deterministic_set, (wt_object *config, bool on)) \
  X (void, wasmtime_engine_increment_epoch, (wt_object *engine)) \
  X (wt_object *, wasmtime_module_new, (wt_object *engine, const uint8_t *, size_t, wt_object **module)) \
  X (wt_object *, wasmtime_module_validate, (wt_object *engine, const uint8_t *, size_t)) \
  X (wt_object *, wasmtime_module_serialize, (wt_object *module, wt_bytes *)) \
  X (wt_object *, wasmtime_module_deserialize, (wt_object *engine, const uint8_t *, size_t, wt_object **module)) \
  X (void, wasmtime_module_delete, (wt_object *module)) \
  X (void, wasmtime_module_imports, (const wt_object *module, wt_pointers *)) \
  X (const wt_bytes *, wasm_importtype_module, (const wt_object *)) \
  X (const wt_bytes *, wasm_importtype_name, (const wt_object *)) \
  X (const wt_object *, wasm_importtype_type, (const wt_object *)) \
  X (void, wasm_importtype_vec_delete, (wt_pointers *)) \
  X (uint8_t, wasm_externtype_kind, (const wt_object *)) \
  X (const wt_object *, wasm_externtype_as_functype_const, (const wt_object *)) \
  X (const wt_pointers *, wasm_functype_params, (const wt_object *)) \
  X (const wt_pointers *, wasm_functype_results, (const wt_object *)) \
  X (void, wasm_functype_delete, (wt_object *)) \
  X (uint8_t, wasm_valtype_kind, (const wt_object *)) \
  X (wt_object *, wasmtime_linker_new, (wt_object *engine)) \
  X (void, wasmtime_linker_delete, (wt_object *)) \
  X (void, wasmtime_linker_allow_shadowing, (wt_object *, bool)) \
  X (wt_object *, wasmtime_linker_define_func_unchecked, \
     (wt_object *, const char *module, size_t, const char *name, size_t, const wt_object *type, wt_callback, \
      void *environment, void (*finalizer) (void *))) \
  X (wt_object *, wasmtime_linker_define_unknown_imports_as_traps, (wt_object *, wt_object *module)) \
  X (wt_object *, wasmtime_linker_instantiate_pre, (const wt_object *, const wt_object *module, wt_object **)) \
  X (wt_object *, wasmtime_instance_pre_instantiate, \
     (const wt_object *, wt_object *context, wt_instance *, wt_object **trap)) \
  X (void, wasmtime_instance_pre_delete, (wt_object *)) \
  X (bool, wasmtime_instance_export_get, \
     (wt_object *context, const wt_instance *, const char *name, size_t, wt_extern *)) \
  X (wt_object *, wasmtime_store_new, (wt_object *engine, void *data, void (*finalizer) (void *))) \
  X (wt_object *, wasmtime_store_context, (wt_object *store)) \
  X (void, wasmtime_store_limiter, \
     (wt_object *store, int64_t memory_bytes, int64_t table_elements, int64_t instances, int64_t tables, int64_t memories)) \
  X (void, wasmtime_store_delete, (wt_object *store)) \
  X (void, wasmtime_context_set_epoch_deadline, (wt_object *context, uint64_t ticks)) \
  X (wt_object *, wasmtime_func_type, (const wt_object *context, const wt_func *)) \
  X (wt_object *, wasmtime_func_call_unchecked, \
     (wt_object *context, const wt_func *, wt_value *arguments_and_results, size_t, wt_object **trap)) \
  X (uint8_t *, wasmtime_memory_data, (const wt_object *context, const wt_memory *)) \
  X (size_t, wasmtime_memory_data_size, (const wt_object *context, const wt_memory *)) \
  X (wt_object *, wasmtime_memory_grow, (wt_object *context, const wt_memory *, uint64_t pages, uint64_t *old)) \
  X (wt_object *, wasmtime_trap_new, (const char *message, size_t)) \
  X (void, wasm_trap_message, (const wt_object *trap, wt_bytes *)) \
  X (void, wasm_trap_delete, (wt_object *trap)) \
  X (void, wasmtime_error_message, (const wt_object *error, wt_bytes *)) \
  X (void, wasmtime_error_delete, (wt_object *error)) \
  X (void, wasm_byte_vec_delete, (wt_bytes *))

struct wasmtime_functions {
#define X(result, name, parameters) result (*name) parameters;
  FONTGEN_WASMTIME_FUNCTIONS
#undef X
};

/* Filled by open_wasmtime(), which is called under the engine's lock. */
extern wasmtime_functions wasmtime;

/* Opens the library beside libharfbuzz.so.0 (or the one FONTGEN_WASMTIME names) and fills `wasmtime`. */
bool open_wasmtime ();

/* Turns an error or a trap (or neither: false) into one line in `message` and frees it. */
bool take_failure (wt_object *error, wt_object *trap, char *message, size_t size);

} /* namespace fontgen */

#endif
