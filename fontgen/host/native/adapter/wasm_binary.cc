#include "wasm_binary.hh"

#include <string.h>

namespace fontgen {

enum { SECTION_CUSTOM = 0, SECTION_CODE = 10, PREAMBLE_BYTES = 8 };

/* Unsigned LEB128 of at most 32 bits; moves `bytes` past it. */
static bool take_u32 (span_t &bytes, uint32_t &value)
{
  uint64_t result = 0;
  for (unsigned shift = 0; shift < 35; shift += 7)
  {
    if (!bytes.size) return false;
    uint8_t byte = *bytes.data++;
    bytes.size--;
    result |= (uint64_t) (byte & 0x7f) << shift;
    if (byte & 0x80) continue;
    value = (uint32_t) result;
    return result <= 0xffffffff;
  }
  return false;
}

/* The next section's id and content; false at the end, or where the bytes are not a module's. */
static bool take_section (span_t &bytes, uint8_t &id, span_t &content)
{
  if (!bytes.size) return false;
  id = *bytes.data++;
  bytes.size--;
  uint32_t size;
  if (!take_u32 (bytes, size) || size > bytes.size) return false;
  content = {bytes.data, size};
  bytes.data += size;
  bytes.size -= size;
  return true;
}

static bool take_preamble (span_t &module)
{
  if (module.size < PREAMBLE_BYTES || memcmp (module.data, "\0asm\1\0\0\0", PREAMBLE_BYTES)) return false;
  module.data += PREAMBLE_BYTES;
  module.size -= PREAMBLE_BYTES;
  return true;
}

span_t custom_section (span_t module, const char *name)
{
  uint8_t id;
  span_t content;
  if (take_preamble (module))
    while (take_section (module, id, content))
    {
      uint32_t length;
      if (id != SECTION_CUSTOM || !take_u32 (content, length) || length > content.size) continue;
      if (length == strlen (name) && !memcmp (content.data, name, length))
	return {content.data + length, content.size - length};
    }
  return {nullptr, 0};
}

size_t code_size (span_t module)
{
  size_t total = 0;
  uint8_t id;
  span_t content;
  if (take_preamble (module))
    while (take_section (module, id, content))
      if (id == SECTION_CODE) total += content.size;
  return total;
}

} /* namespace fontgen */
