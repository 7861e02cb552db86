/* HarfBuzz's Wasm API as a guest sees it, after HarfBuzz's docs/wasm-shaper.md and hb-wasm-api.h.
 * Handles are numbers; structures lie in guest memory. */
#ifndef TESTS_HOST_HARFBUZZ_H
#define TESTS_HOST_HARFBUZZ_H

#include <stdint.h>

#define IMPORT(name) __attribute__ ((import_module ("env"), import_name (#name)))
#define EXPORT(name) __attribute__ ((export_name (#name), used))
#define TAG(a, b, c, d) ((uint32_t) (a) << 24 | (uint32_t) (b) << 16 | (uint32_t) (c) << 8 | (uint32_t) (d))

typedef uint32_t face_t, font_t, buffer_t;
typedef struct { uint32_t length; char *data; } blob_t;
typedef struct { uint32_t codepoint, mask, cluster, var1, var2; } glyph_info_t;
typedef struct { int32_t x_advance, y_advance, x_offset, y_offset; uint32_t var; } glyph_position_t;
typedef struct { uint32_t length; glyph_info_t *info; glyph_position_t *pos; } buffer_contents_t;
typedef struct { int32_t x_bearing, y_bearing, width, height; } glyph_extents_t;
typedef struct { float x, y; uint32_t type; } glyph_outline_point_t;
typedef struct {
  uint32_t n_points;
  glyph_outline_point_t *points;
  uint32_t n_contours;
  uint32_t *contours;
} glyph_outline_t;
typedef struct { uint32_t length; int *coords; } coords_t;
typedef struct { uint32_t tag, value, start, end; } feature_t;
typedef struct { uint32_t length; feature_t *features; } features_t;

IMPORT (script_get_horizontal_direction) uint32_t script_get_horizontal_direction (uint32_t script);
IMPORT (blob_free) void blob_free (blob_t *);
IMPORT (buffer_contents_realloc) uint32_t buffer_contents_realloc (buffer_contents_t *, uint32_t size);
IMPORT (buffer_contents_free) void buffer_contents_free (buffer_contents_t *);
IMPORT (buffer_copy_contents) uint32_t buffer_copy_contents (buffer_t, buffer_contents_t *);
IMPORT (buffer_set_contents) uint32_t buffer_set_contents (buffer_t, const buffer_contents_t *);
IMPORT (buffer_get_direction) uint32_t buffer_get_direction (buffer_t);
IMPORT (buffer_get_script) uint32_t buffer_get_script (buffer_t);
IMPORT (buffer_reverse) void buffer_reverse (buffer_t);
IMPORT (buffer_reverse_clusters) void buffer_reverse_clusters (buffer_t);
IMPORT (face_create) face_t face_create (blob_t *, uint32_t index);
IMPORT (face_copy_table) uint32_t face_copy_table (face_t, uint32_t tag, blob_t *);
IMPORT (face_get_upem) uint32_t face_get_upem (face_t);
IMPORT (font_create) font_t font_create (face_t);
IMPORT (font_get_face) face_t font_get_face (font_t);
IMPORT (font_get_scale) void font_get_scale (font_t, int32_t *x_scale, int32_t *y_scale);
IMPORT (font_get_glyph) uint32_t font_get_glyph (font_t, uint32_t unicode, uint32_t variation_selector);
IMPORT (font_get_glyph_h_advance) int32_t font_get_glyph_h_advance (font_t, uint32_t glyph);
IMPORT (font_get_glyph_v_advance) int32_t font_get_glyph_v_advance (font_t, uint32_t glyph);
IMPORT (font_get_glyph_extents) uint32_t font_get_glyph_extents (font_t, uint32_t glyph, glyph_extents_t *);
IMPORT (font_glyph_to_string) void font_glyph_to_string (font_t, uint32_t glyph, char *, uint32_t size);
IMPORT (font_copy_glyph_outline) uint32_t font_copy_glyph_outline (font_t, uint32_t glyph, glyph_outline_t *);
IMPORT (font_copy_coords) uint32_t font_copy_coords (font_t, coords_t *);
IMPORT (font_set_coords) uint32_t font_set_coords (font_t, coords_t *);
IMPORT (glyph_outline_free) void glyph_outline_free (glyph_outline_t *);
IMPORT (shape_with) uint32_t shape_with (font_t, buffer_t, const feature_t *, uint32_t n_features, const char *shaper);
IMPORT (feature_copy_contents) uint32_t feature_copy_contents (const feature_t *, uint32_t n_features, features_t *);
IMPORT (features_free) void features_free (features_t *);
IMPORT (debugprint) void debugprint (const char *);
IMPORT (debugprint1) void debugprint1 (const char *, int32_t);
IMPORT (debugprint2) void debugprint2 (const char *, int32_t, int32_t);
IMPORT (debugprint3) void debugprint3 (const char *, int32_t, int32_t, int32_t);
IMPORT (debugprint4) void debugprint4 (const char *, int32_t, int32_t, int32_t, int32_t);

#endif
