/* SHA-256 (FIPS 180-4): identifies Wasm tables in the allow-list and in the cache. */
#ifndef FONTGEN_SHA256_HH
#define FONTGEN_SHA256_HH

#include <stddef.h>
#include <stdint.h>

namespace fontgen {

struct sha256_t {
  sha256_t ();
  void add (const void *data, size_t size);
  /* 64 lower-case hexadecimal digits and a NUL; ends the computation. */
  void finish (char hex[65]);

  private:
  void block (const uint8_t *p);
  uint32_t state[8];
  uint8_t pending[64];
  uint64_t total;
};

} /* namespace fontgen */

#endif
