/* The little of the Wasm binary format that is read before Wasmtime is asked
 * (WebAssembly Core Specification, section 5.5). */
#ifndef FONTGEN_WASM_BINARY_HH
#define FONTGEN_WASM_BINARY_HH

#include <stddef.h>
#include <stdint.h>

namespace fontgen {

struct span_t { const uint8_t *data; size_t size; };

/* Payload of the first custom section of that name; {null, 0} where there is none. */
span_t custom_section (span_t module, const char *name);

/* Bytes of the code section. */
size_t code_size (span_t module);

} /* namespace fontgen */

#endif
