/* One shape call, from the top: HarfBuzz hands us a buffer of typed text; we put the visible text in its place and
 * let HarfBuzz's own OpenType shaper do the rest, as it would for typed text.
 *
 * We are a guest in somebody's program: whatever happens, the text is shaped at least as the base font would shape
 * it, and shape() returns 1. The instance lives as long as HarfBuzz likes, so state is only ever a cache. */
#include "continuation.h"
#include "harfbuzz.h"
#include "memory.h"

#define EXPORT(name) __attribute__((export_name(#name), used)) name

/* ---- What the font says ---- */

static struct settings_header settings;
static enum { SETTINGS_UNREAD, SETTINGS_READ, SETTINGS_BAD } settings_state;

static bool read_settings(hb_font_t font) {
    if (settings_state == SETTINGS_UNREAD) {
        struct blob blob = {0};
        settings_state = SETTINGS_BAD;
        if (face_copy_table(font_get_face(font), SETTINGS_TAG, &blob) &&
            table_is_intact(blob.data, blob.length, SETTINGS_TAG, sizeof settings)) {
            memcpy(&settings, blob.data, sizeof settings);
            settings_state = SETTINGS_READ;
        }
        free(blob.data);
    }
    return settings_state == SETTINGS_READ;
}

static struct engine engine;
static enum { ENGINE_UNOPENED, ENGINE_OPEN, ENGINE_BAD } engine_state;

static bool open_engine(hb_font_t font) {
    if (engine_state == ENGINE_UNOPENED) {
        struct blob blob = {0};
        engine_state = ENGINE_BAD;
        if (face_copy_table(font_get_face(font), MODEL_TAG, &blob) && engine_open(&engine, blob.data, blob.length))
            engine_state = ENGINE_OPEN;
    }
    return engine_state == ENGINE_OPEN;
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

static bool has_trigger(const struct buffer_contents *text) {
    for (uint32_t i = 0; i < text->length;) {
        uint32_t run = run_length(text->info + i, text->length - i);
        if (run > settings.kept_marks) return true;
        i += run ? run : 1;
    }
    return false;
}

/* ---- What is shown ---- */

static bool put(hb_buffer_t buffer, struct glyph_info *info, uint32_t length) {
    struct buffer_contents contents = {length, info, malloc(length * sizeof(struct glyph_position))};
    if (!contents.pos) return false;
    memset(contents.pos, 0, length * sizeof *contents.pos);
    bool done = buffer_set_contents(buffer, &contents);
    free(contents.pos);
    return done;
}

/* Replaces the typed text by the visible one; on failure the buffer holds what it held. */
static void put_visible_text(hb_font_t font, hb_buffer_t buffer, struct buffer_contents *text) {
    if (!open_engine(font)) return;
    struct visible_text visible = {0};
    continue_text(&engine, text->info, text->length, settings.kept_marks, settings.max_tokens_per_call, &visible);
    if (!visible.failed && !put(buffer, visible.info, visible.length)) put(buffer, text->info, text->length);
    free(visible.info);
}

int32_t EXPORT(shape)(void *plan, hb_font_t font, hb_buffer_t buffer, const struct feature *features,
                      uint32_t n_features) {
    (void)plan;
    if (read_settings(font)) {
        struct buffer_contents text = copy_typed_text(buffer);
        if (has_trigger(&text)) put_visible_text(font, buffer, &text);
        free_typed_text(&text);
    }
    shape_with(font, buffer, features, n_features, "ot");
    return 1;
}
