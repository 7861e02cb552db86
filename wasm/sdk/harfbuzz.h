/* What the shaper uses of HarfBuzz's Wasm API, as of HarfBuzz 8.0 (hb-wasm-api.h there).
 *
 * Everything here is an import of the module "env"; nothing else is imported. Pointers to faces, fonts and
 * buffers are opaque references that the host resolves. */
#ifndef HARFBUZZ_H
#define HARFBUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HB_IMPORT(name) __attribute__((import_module("env"), import_name(#name))) name
/* For shape(), which HarfBuzz calls, and whatever else a host may call. */
#define EXPORT(name) __attribute__((export_name(#name), used)) name

typedef struct hb_face *hb_face_t;
typedef struct hb_font *hb_font_t;
typedef struct hb_buffer *hb_buffer_t;

/* A Unicode code point before shaping, a glyph id after it. */
struct glyph_info {
    uint32_t codepoint, mask, cluster, var1, var2;
};

struct glyph_position {
    int32_t x_advance, y_advance, x_offset, y_offset;
    uint32_t var;
};

/* The host fills `length` entries if they suffice, and need not say how many it wrote (fontgen's native one does);
 * otherwise it frees both arrays, calls our malloc() for new ones and sets `length`. */
struct buffer_contents {
    uint32_t length;
    struct glyph_info *info;
    struct glyph_position *pos;
};

/* The same rule: with length 0 and data NULL the host calls our malloc(). */
struct blob {
    uint32_t length;
    void *data;
};

struct feature {
    uint32_t tag, value, start, end;
};

extern uint32_t HB_IMPORT(buffer_copy_contents)(hb_buffer_t buffer, struct buffer_contents *contents);
extern uint32_t HB_IMPORT(buffer_set_contents)(hb_buffer_t buffer, const struct buffer_contents *contents);
extern hb_face_t HB_IMPORT(font_get_face)(hb_font_t font);
extern void HB_IMPORT(font_get_scale)(hb_font_t font, int32_t *x_scale, int32_t *y_scale);
extern uint32_t HB_IMPORT(face_copy_table)(hb_face_t face, uint32_t tag, struct blob *blob);
extern uint32_t HB_IMPORT(shape_with)(hb_font_t font, hb_buffer_t buffer, const struct feature *features,
                                      uint32_t n_features, const char *shaper);

/* A line for whoever debugs the font: on stderr in HarfBuzz's debug builds, with FONTGEN_WASM_TRACE=1 in fontgen's. */
extern void HB_IMPORT(debugprint)(const char *line);

/* A line that begins so is a reason for which the program shows nothing of its own: `fontgen shape` tells it. */
#define LEFT_TO_OPENTYPE "left to OpenType: "

#endif
