/* One shape call, from the top: HarfBuzz hands us a buffer of typed text; we put the visible text in its place and
 * let HarfBuzz's own OpenType shaper do the rest, as it would for typed text.
 *
 * We are a guest in somebody's program: whatever happens, the text is shaped at least as the base font would shape
 * it, and shape() returns 1. The instance lives as long as HarfBuzz likes, so state is only ever a cache. */
#include "continuation.h"
#include "harfbuzz.h"
#include "memory.h"
#include "options.h"
#include "paragraph.h"
#include "replacement.h"
#include "settings.h"
#include "table.h"
#include "typed.h"

/* ---- What the font says ---- */

enum state { UNREAD, GOOD, BAD };

static struct settings settings;
static enum state settings_state;

static bool read_settings(hb_font_t font) {
    if (settings_state == UNREAD) {
        struct blob blob = copy_table(font, SETTINGS_TAG);
        settings_state = settings_open(&settings, blob.data, blob.length) ? GOOD : BAD;
    }
    return settings_state == GOOD;
}

static struct engine engine;
static struct sampler sampler;
static enum state engine_state;

static bool open_engine(hb_font_t font) {
    if (engine_state == UNREAD) {
        struct blob blob = copy_table(font, MODEL_TAG);
        bool open = engine_open(&engine, blob.data, blob.length) && sampler_open(&sampler, &engine);
        engine_state = open ? GOOD : BAD;
    }
    return engine_state == GOOD;
}

/* ---- What is shown ---- */

/* The buffer then holds the visible text, or what it held before if anything goes wrong. */
static void put_visible_text(hb_font_t font, hb_buffer_t buffer, const struct feature *features, uint32_t n_features) {
    struct buffer_contents typed = copy_typed_text(buffer);
    const struct paragraph *paragraph = paragraph_around(typed.info, typed.length);
    const struct glyph_info *info = paragraph ? paragraph->info : typed.info;
    uint32_t n = paragraph ? paragraph->length : typed.length, kept_marks = settings.header.kept_marks;
    struct text replaced = {0}, visible = {0};
    if (has_replacement(&settings, info, n)) {
        replace_words(&replaced, &settings, info, n);
        info = replaced.info;
        n = replaced.length;
    }
    bool changed = replaced.capacity;
    if (has_run(info, n, kept_marks) && open_engine(font)) {
        if (!paragraph) paragraph_remember(typed.info, typed.length);
        uint32_t budget = settings_budget(&settings);
        continue_text(&visible, &sampler, info, n, kept_marks, features, n_features, budget);
        info = visible.info;
        n = visible.length;
        changed = true;
    }
    if (paragraph) paragraph_cut_out(&info, &n, typed.info, typed.length);
    if (changed && n && !replaced.failed && !visible.failed && !put_text(buffer, info, n))
        put_text(buffer, typed.info, typed.length);
    text_free(&replaced);
    text_free(&visible);
    free_typed_text(&typed);
}

/* Our own features would take from OpenType's the few bits that HarfBuzz has for all. */
static void shape_with_opentype(hb_font_t font, hb_buffer_t buffer, const struct feature *features,
                                uint32_t n_features) {
    struct feature *kept = n_features ? malloc(n_features * sizeof *kept) : NULL;
    uint32_t n_kept = kept ? opentype_features(kept, features, n_features) : n_features;
    shape_with(font, buffer, kept ? kept : features, n_kept, "ot");
    free(kept);
}

/* fontgen's own host calls this before shape() where a program says what stands before and after the text: the buffer
 * holds all of it. Such a text goes on with the story of a paragraph that was never shaped, as LibreOffice's window has
 * only lines of one that its printer's font has seen. Other hosts do not call it. */
int32_t EXPORT(shape_context)(hb_font_t font, hb_buffer_t buffer) {
    if (!read_settings(font)) return 1;
    struct buffer_contents typed = copy_typed_text(buffer);
    if (has_run(typed.info, typed.length, settings.header.kept_marks)) paragraph_remember(typed.info, typed.length);
    free_typed_text(&typed);
    return 1;
}

int32_t EXPORT(shape)(void *plan, hb_font_t font, hb_buffer_t buffer, const struct feature *features,
                      uint32_t n_features) {
    (void)plan;
    if (read_settings(font)) put_visible_text(font, buffer, features, n_features);
    shape_with_opentype(font, buffer, features, n_features);
    return 1;
}
