/* FONTGEN_WASM=listed: only Wasm tables whose SHA-256 the user has listed may run. */
#ifndef FONTGEN_ALLOW_LIST_HH
#define FONTGEN_ALLOW_LIST_HH

namespace fontgen {

/* Whether the settings let a Wasm table with that SHA-256 (hexadecimal) run. */
bool is_allowed (const char sha256[65]);

} /* namespace fontgen */

#endif
