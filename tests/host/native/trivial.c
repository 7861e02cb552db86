/* The least that a Wasm shaper can do: what a call costs. */

#include "harfbuzz.h"

EXPORT (shape) uint32_t shape (uint32_t plan, font_t font, buffer_t buffer, const feature_t *features, uint32_t n_features)
{
  (void) plan;
  return shape_with (font, buffer, features, n_features, "ot");
}
