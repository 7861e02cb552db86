/* The embedding API of wasm-micro-runtime, as far as HarfBuzz's Wasm shaper uses it.
 *
 * HarfBuzz includes <wasm_export.h> from its hb-wasm-*.{cc,hh}; this file answers in its place and
 * the functions are written on Wasmtime's C API in the .cc files beside it.  HarfBuzz is compiled
 * against nothing else of the adapter, so editing the adapter does not recompile it.
 *
 * Names and types are wasm-micro-runtime's:
 * https://github.com/bytecodealliance/wasm-micro-runtime/blob/main/core/iwasm/include/wasm_export.h
 */
#ifndef FONTGEN_WASM_EXPORT_H
#define FONTGEN_WASM_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A function that the guest may import.  The signature is one of wasm-micro-runtime's strings:
 * "i" is an i32, "$" a pointer to a NUL-terminated string in guest memory; after ")" the result. */
typedef struct NativeSymbol {
  const char *symbol;
  void *func_ptr;
  const char *signature;
  void *attachment;
} NativeSymbol;

typedef enum { Alloc_With_Pool = 0, Alloc_With_Allocator, Alloc_With_System_Allocator } mem_alloc_type_t;

typedef union MemAllocOption {
  struct { void *heap_buf; uint32_t heap_size; } pool;
  struct { void *malloc_func, *realloc_func, *free_func, *user_data; } allocator;
} MemAllocOption;

typedef struct RuntimeInitArgs {
  mem_alloc_type_t mem_alloc_type;
  MemAllocOption mem_alloc_option;
  const char *native_module_name;
  NativeSymbol *native_symbols;
  uint32_t n_native_symbols;
} RuntimeInitArgs;

enum wasm_valkind_enum { WASM_I32, WASM_I64, WASM_F32, WASM_F64 };

typedef struct wasm_val_t {
  uint8_t kind;
  uint8_t padding[7];
  union { int32_t i32; int64_t i64; float f32; double f64; } of;
} wasm_val_t;

typedef struct fontgen_module *wasm_module_t;
typedef struct fontgen_instance *wasm_module_inst_t;
typedef struct fontgen_instance *wasm_exec_env_t; /* there is one per instance: the same object */
typedef struct fontgen_function *wasm_function_inst_t;

/* Everything here is internal to libharfbuzz.so.0. */
#if defined(__GNUC__) && !defined(_WIN32)
#define FONTGEN_INTERNAL __attribute__ ((visibility ("hidden")))
#else
#define FONTGEN_INTERNAL
#endif

FONTGEN_INTERNAL bool wasm_runtime_full_init (RuntimeInitArgs *arguments);

FONTGEN_INTERNAL wasm_module_t wasm_runtime_load (uint8_t *bytes, uint32_t size, char *error, uint32_t error_size);
FONTGEN_INTERNAL void wasm_runtime_unload (wasm_module_t module);

FONTGEN_INTERNAL wasm_module_inst_t wasm_runtime_instantiate (wasm_module_t module, uint32_t stack_size,
							      uint32_t heap_size, char *error,
							      uint32_t error_size);
FONTGEN_INTERNAL void wasm_runtime_deinstantiate (wasm_module_inst_t instance);
FONTGEN_INTERNAL wasm_function_inst_t wasm_runtime_lookup_function (wasm_module_inst_t instance, const char *name);
FONTGEN_INTERNAL const char *wasm_runtime_get_exception (wasm_module_inst_t instance);
FONTGEN_INTERNAL bool wasm_runtime_call_wasm_a (wasm_exec_env_t environment, wasm_function_inst_t function,
						uint32_t n_results, wasm_val_t *results,
						uint32_t n_arguments, wasm_val_t *arguments);

static inline wasm_exec_env_t wasm_runtime_create_exec_env (wasm_module_inst_t instance, uint32_t stack_size)
{ (void) stack_size; return instance; }
static inline void wasm_runtime_destroy_exec_env (wasm_exec_env_t environment) { (void) environment; }
static inline wasm_module_inst_t wasm_runtime_get_module_inst (wasm_exec_env_t environment) { return environment; }

/* Guest memory.  An "app" address is an offset into it, a "native" one a pointer here. */
FONTGEN_INTERNAL bool wasm_runtime_validate_app_addr (wasm_module_inst_t instance, uint64_t offset, uint64_t size);
FONTGEN_INTERNAL void *wasm_runtime_addr_app_to_native (wasm_module_inst_t instance, uint64_t offset);
FONTGEN_INTERNAL uint32_t wasm_runtime_module_malloc (wasm_module_inst_t instance, uint64_t size, void **native);
FONTGEN_INTERNAL void wasm_runtime_module_free (wasm_module_inst_t instance, uint64_t offset);
FONTGEN_INTERNAL uint32_t wasm_runtime_module_dup_data (wasm_module_inst_t instance, const char *source, uint64_t size);

#define validate_app_addr(offset, size) wasm_runtime_validate_app_addr (module_inst, offset, size)
#define addr_app_to_native(offset) wasm_runtime_addr_app_to_native (module_inst, offset)
#define module_malloc(size, native) wasm_runtime_module_malloc (module_inst, size, native)
#define module_free(offset) wasm_runtime_module_free (module_inst, offset)

/* HarfBuzz objects that the guest holds by number: not wasm-micro-runtime's external references, which do not know of
 * what kind an object is. */
enum fontgen_kind { fontgen_kind_none, fontgen_kind_face, fontgen_kind_font, fontgen_kind_buffer };
/* 0 where there is no room for it. */
FONTGEN_INTERNAL uint32_t fontgen_number_of (wasm_module_inst_t instance, void *object, enum fontgen_kind kind);
/* Null where the number is none, or another kind's. */
FONTGEN_INTERNAL void *fontgen_object_of (wasm_module_inst_t instance, uint32_t number, enum fontgen_kind kind);

/* HarfBuzz's Wasm files print what goes wrong, and what guests pass to debugprint(), to stderr. */
FONTGEN_INTERNAL void wasm_runtime_trace (const char *format, ...);

#ifdef __cplusplus
}
#endif

#ifdef HB_VERSION_STRING
#undef DEBUG_MSG
#define DEBUG_MSG(what, object, ...) wasm_runtime_trace (__VA_ARGS__)
#endif

/* HarfBuzz asks for a writable copy of the Wasm table since wasm-micro-runtime's loader edits it;
 * Wasmtime does not, and a mapped font then stays unread.  The callers follow this header. */
#ifdef HB_VERSION_STRING
#define hb_blob_get_data_writable(blob, length) const_cast<char *> (hb_blob_get_data (blob, length))
#endif

#endif
