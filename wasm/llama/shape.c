/* One shape call, from the top: HarfBuzz hands us a buffer of typed text; we put the visible text in its place and
 * let HarfBuzz's own OpenType shaper do the rest, as it would for typed text.
 *
 * We are a guest in somebody's program: whatever happens, the text is shaped at least as the base font would shape
 * it, and shape() returns 1. The instance lives as long as HarfBuzz likes, so state is only ever a cache. */
#include "budget.h"
#include "continuation.h"
#include "harfbuzz.h"
#include "memory.h"
#include "options.h"
#include "paragraph.h"
#include "replacement.h"
#include "settings_table.h"
#include "table.h"
#include "tokenizer.h"
#include "trace.h"
#include "typed.h"
#include "typing.h"

/* ---- What the font says ---- */

enum state { UNREAD, GOOD, BAD };

static struct settings settings;
static enum state settings_state;

static bool read_settings(hb_font_t font) {
    if (settings_state == UNREAD) {
        struct blob blob = copy_table(font, SETTINGS_TAG);
        settings_state = settings_open(&settings, blob.data, blob.length) ? GOOD : BAD;
        if (settings_state == BAD) debugprint(LEFT_TO_OPENTYPE "the table Lset is damaged, or of another version");
    }
    return settings_state == GOOD;
}

static struct transformer transformer;
static struct sampler sampler;
static struct trace trace; /* of the latest call */
static bool continued; /* a text, since this instance began */
static enum state model_state;

/* A model that does not open leaves the text plain; this is for the one who wonders why. */
static const char *why_not_open(struct blob table) {
    if (!table.length) return LEFT_TO_OPENTYPE "the table Llam is missing, or there is no memory for it";
    if (!table_version(table.data, table.length, MODEL_TAG)) return LEFT_TO_OPENTYPE "the table Llam is damaged";
    return LEFT_TO_OPENTYPE "the model wants more memory than there is, or its table is of another version";
}

static bool read_model(hb_font_t font) {
    if (model_state == UNREAD) {
        struct blob blob = copy_table(font, MODEL_TAG);
        bool open = transformer_open(&transformer, blob.data, blob.length) &&
                    sampler_open(&sampler, &transformer, &settings);
        model_state = open ? GOOD : BAD;
        if (!open) debugprint(why_not_open(blob));
    }
    return model_state == GOOD;
}

/* ---- What is shown ---- */

enum difference { NONE, WORDS, RUNS };

/* Makes the visible text of a typed one: words replaced, then runs continued. Says in what it differs; where in
 * nothing, or memory runs out, `visible` holds nothing. */
static enum difference make_visible_text(struct text *visible, hb_font_t font, const struct glyph_info *info,
                                         uint32_t n, const struct feature *features, uint32_t n_features) {
    struct text replaced = {0};
    enum difference difference = NONE;
    if (has_replacement(&settings, info, n)) {
        replace_words(&replaced, &settings, info, n);
        difference = WORDS;
        info = replaced.info;
        n = replaced.length;
    }
    if (!replaced.failed && has_run(info, n, settings.header.kept_marks) && read_model(font)) {
        uint32_t budget = budget_of_call(&settings, &transformer.model, !continued);
        struct request request = {&settings, features, n_features, budget};
        continued = true;
        continue_text(visible, &trace, &sampler, info, n, &request);
        text_free(&replaced);
        difference = RUNS;
    } else {
        *visible = replaced;
    }
    if (!visible->failed) return difference;
    text_free(visible);
    return NONE;
}

/* Computes what the next mark will show, up to the bound on a call, while the marks before it are typed. */
static void read_ahead(hb_font_t font, const struct glyph_info *info, uint32_t n, const struct feature *features,
                       uint32_t n_features) {
    uint32_t kept_marks = settings.header.kept_marks;
    if (!marks_are_being_typed(info, n, kept_marks) || !read_model(font)) return;
    struct text typed = {0}, visible = {0};
    struct trace unread = {0};
    if (has_replacement(&settings, info, n)) replace_words(&typed, &settings, info, n);
    else
        for (uint32_t i = 0; i < n; i++) text_append(&typed, info[i].codepoint, info[i].cluster);
    uint32_t marks = 0;
    while (marks < typed.length && typed.info[typed.length - 1 - marks].codepoint == MORE) marks++;
    for (; marks <= kept_marks && !typed.failed; marks++) text_append(&typed, MORE, info[n - 1].cluster);
    uint32_t budget = budget_of_call(&settings, &transformer.model, false);
    struct request request = {&settings, features, n_features, budget};
    if (!typed.failed) continue_text(&visible, &unread, &sampler, typed.info, typed.length, &request);
    free(unread.tokens);
    text_free(&visible);
    text_free(&typed);
}

/* The buffer then holds the visible text, or what it held before if anything goes wrong. */
static void put_visible_text(hb_font_t font, hb_buffer_t buffer, const struct feature *features, uint32_t n_features) {
    struct buffer_contents typed = copy_typed_text(buffer);
    const struct paragraph *paragraph = paragraph_around(typed.info, typed.length);
    const struct glyph_info *whole = paragraph ? paragraph->info : typed.info;
    uint32_t n_whole = paragraph ? paragraph->length : typed.length;
    struct text visible = {0};
    enum difference difference = make_visible_text(&visible, font, whole, n_whole, features, n_features);
    if (difference != NONE) {
        const struct glyph_info *shown = visible.info;
        uint32_t n_shown = visible.length;
        if (paragraph) paragraph_cut_out(&shown, &n_shown, typed.info, typed.length);
        else if (difference == RUNS) paragraph_remember(typed.info, typed.length);
        if (n_shown && !put_text(buffer, shown, n_shown)) put_text(buffer, typed.info, typed.length);
    }
    text_free(&visible);
    if (!paragraph) read_ahead(font, typed.info, typed.length, features, n_features);
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
    trace_begin(&trace);
    if (read_settings(font)) put_visible_text(font, buffer, features, n_features);
    shape_with_opentype(font, buffer, features, n_features);
    return 1;
}

/* ---- For programs that show how the model works ---- */

/* Whether the latest shape() showed all there is; 0: it may compute no more, and the same text shows more next time. */
int32_t EXPORT(shape_finished)(void) { return !trace.unfinished; }

/* The tokens of the latest shape(), BOS first; none when its text had no run. Valid until the next one. */
uint32_t EXPORT(traced_token_count)(void) { return trace.failed ? 0 : trace.n; }
const struct traced_token *EXPORT(traced_tokens)(void) { return trace.tokens; }

/* What one of them was chosen among, in order, at most `most`. NULL when nothing can be said. */
const struct choices *EXPORT(traced_choices)(uint32_t index, uint32_t most) {
    static struct choices choices;
    return trace_choices(&trace, &sampler, index, most, &choices) ? &choices : NULL;
}

/* How many question marks behind a token's mark show another one there; -1: so many do not count. */
int32_t EXPORT(traced_rejections)(uint32_t index, uint32_t wanted) {
    return (int32_t)trace_rejections(&trace, &sampler, index, wanted);
}

/* Writes the bytes that a token stands for, at most 255; returns how many. */
uint32_t EXPORT(token_bytes)(uint32_t token, uint8_t *bytes) {
    bool known = model_state == GOOD && token < transformer.model.header.vocab_size;
    return known ? tokenizer_decode(&transformer.model, token, bytes) : 0;
}

/* The same of its name in the vocabulary, which special tokens have, too. */
uint32_t EXPORT(token_name)(uint32_t token, uint8_t *bytes) {
    uint32_t length = 0;
    if (model_state != GOOD || token >= transformer.model.header.vocab_size) return 0;
    const uint8_t *piece = model_piece(&transformer.model, token, &length);
    memcpy(bytes, piece, length);
    return length;
}
