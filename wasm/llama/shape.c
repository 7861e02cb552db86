/* One shape call, from the top: HarfBuzz hands us a buffer of typed text; we put the visible text in its place and
 * let HarfBuzz's own OpenType shaper do the rest, as it would for typed text.
 *
 * We are a guest in somebody's program: whatever happens, the text is shaped at least as the base font would shape
 * it, and shape() returns 1. The instance lives as long as HarfBuzz likes, so state is only ever a cache. */
#include "continuation.h"
#include "features.h"
#include "harfbuzz.h"
#include "memory.h"
#include "paragraph.h"
#include "replacement.h"
#include "settings.h"

#define EXPORT(name) __attribute__((export_name(#name), used)) name

/* ---- What the font says ---- */

enum state { UNREAD, GOOD, BAD };

/* A copy of one of the font's tables, by our malloc(); empty when there is none. */
static struct blob copy_table(hb_font_t font, uint32_t tag) {
    struct blob blob = {0};
    if (!face_copy_table(font_get_face(font), tag, &blob)) blob.length = 0;
    return blob;
}

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

/* ---- What was typed ---- */

/* Short texts are copied into an array of our own. The host does not say how long they are, so entries that no text
 * has stand behind the last one. */
#define SHORT_TEXT 256
#define UNWRITTEN 0xFFFFFFFFu

static struct glyph_info short_info[SHORT_TEXT];
static struct glyph_position short_pos[SHORT_TEXT];
static uint32_t short_written = SHORT_TEXT;

static bool is_unwritten(const struct glyph_info *info) {
    return info->codepoint == UNWRITTEN && info->mask == UNWRITTEN && info->cluster == UNWRITTEN &&
           info->var1 == UNWRITTEN && info->var2 == UNWRITTEN;
}

/* The text in the buffer; `length` 0 also when it cannot be had. */
static struct buffer_contents copy_typed_text(hb_buffer_t buffer) {
    memset(short_info, 0xFF, short_written * sizeof *short_info);
    struct buffer_contents text = {SHORT_TEXT, short_info, short_pos};
    bool copied = buffer_copy_contents(buffer, &text);
    short_written = SHORT_TEXT;
    if (!copied) text.length = 0;
    if (text.info != short_info) return text;
    uint32_t length = 0;
    while (length < text.length && !is_unwritten(&text.info[length])) length++;
    text.length = short_written = length;
    return text;
}

static void free_typed_text(struct buffer_contents *text) {
    if (text->info == short_info) return;
    free(text->info);
    free(text->pos);
}

/* ---- What is shown ---- */

static bool put(hb_buffer_t buffer, const struct glyph_info *info, uint32_t length) {
    struct buffer_contents contents = {length, (struct glyph_info *)info, malloc(length * sizeof(struct glyph_position))};
    if (!contents.pos) return false;
    memset(contents.pos, 0, length * sizeof *contents.pos);
    bool done = buffer_set_contents(buffer, &contents);
    free(contents.pos);
    return done;
}

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
    if (changed && n && !replaced.failed && !visible.failed && !put(buffer, info, n))
        put(buffer, typed.info, typed.length);
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
