/* One shape call of a font that shows pictures, from the top. Whatever happens, the text is shaped at least as the base
 * font would shape it, and shape() returns 1. Nothing is kept from call to call but what the font itself says. */
#include "picture.h"

#include "memory.h"
#include "table.h"
#include "typed.h"

#define ZERO_WIDTH_SPACE 0x200Bu /* HarfBuzz shows it as nothing, and it keeps a caret position for its character */
#define MOST_PICTURES 64
#define GOES_ON 1u /* mask of a letter that stands where the one before it ends */

/* ---- For picture_draw() ---- */

static void put(struct picture *picture, uint32_t codepoint, int32_t x, int32_t y, uint32_t mask) {
    text_append(picture->items, codepoint, picture->cluster);
    if (picture->items->failed) return;
    struct glyph_info *item = &picture->items->info[picture->items->length - 1];
    item->var1 = (uint32_t)x, item->var2 = (uint32_t)y, item->mask = mask;
}

void picture_put(struct picture *picture, uint32_t shape, int32_t x, int32_t y) { put(picture, shape, x, y, 0); }

void picture_write(struct picture *picture, const char *text, int32_t x, int32_t y) {
    if (!*text) return put(picture, BLANK, x, y, 0);
    put(picture, LETTERS + (uint8_t)*text - ' ', x, y, 0);
    picture_write_on(picture, text + 1);
}

void picture_write_character(struct picture *picture, uint32_t character) {
    put(picture, LETTERS + character - ' ', 0, 0, GOES_ON);
}

void picture_write_on(struct picture *picture, const char *text) {
    for (; *text; text++) picture_write_character(picture, (uint8_t)*text);
}

void picture_write_number(struct picture *picture, uint32_t number) {
    char digits[11], *first = digits + 10;
    *first = 0;
    do *--first = (char)('0' + number % 10);
    while (number /= 10);
    picture_write_on(picture, first);
}

uint32_t picture_feature(const struct picture *picture, uint32_t tag, uint32_t otherwise) {
    const struct feature *feature = feature_at(picture->features, picture->n_features, tag, picture->cluster);
    return feature ? feature->value : otherwise;
}

uint32_t picture_step(const struct picture *picture) {
    return picture_feature(picture, TAG('S', 'T', 'E', 'P'), UINT32_MAX);
}

/* ---- The trigger ---- */

#define KINDS 32 /* of characters: those that differ by 32, as capital and small letters do, are one */

static struct {
    uint32_t word[LONGEST_TRIGGER], length; /* 0: not read yet */
    uint8_t skip[KINDS], skip_on; /* 0: it may end here; then `skip_on` */
} trigger;

/* From the font's own table, or the program's own. */
static void read_trigger(hb_font_t font) {
    if (trigger.length) return;
    struct blob blob = copy_table(font, PICTURE_TAG);
    const struct picture_header *header = blob.data;
    uint32_t n = 0;
    if (table_is_intact(header, blob.length, PICTURE_TAG, sizeof *header) &&
        header->trigger_length - 1 < LONGEST_TRIGGER &&
        blob.length == sizeof *header + header->trigger_length * sizeof(uint32_t))
        memcpy(trigger.word, header + 1, (n = header->trigger_length) * sizeof(uint32_t));
    for (const char *c = n ? "" : picture_trigger; *c && n < LONGEST_TRIGGER; c++) trigger.word[n++] = (uint8_t)*c;
    free(blob.data);
    trigger.length = n;
    memset(trigger.skip, (int)n, KINDS);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *skip = &trigger.skip[trigger.word[i] % KINDS];
        trigger.skip_on = *skip;
        *skip = (uint8_t)(n - 1 - i);
    }
}

/* Whether a picture may begin here. A word inside another is none: "mychess:" is no game. */
static bool scan_trigger(struct scan *text) {
    if (text->at && is_letter(trigger.word[0]) && is_letter(text->text[text->at - 1].codepoint)) return false;
    for (uint32_t i = 0; i < trigger.length; i++)
        if (lower_case(scan_peek_at(text, i)) != trigger.word[i]) return false;
    text->at += trigger.length;
    return true;
}

/* ---- The pictures of a line ---- */

static uint32_t most_steps; /* of a picture of the latest shape() */

/* Where a picture lies among the items; all of it has one cluster. */
struct drawn {
    uint32_t cluster, start, length;
    int32_t width;
};

struct line {
    struct text items;
    struct drawn pictures[MOST_PICTURES];
    uint32_t n_pictures;
};

/* Draws the picture that begins at the place of the scan, and moves it behind. */
static bool draw(struct line *line, struct scan *typed, const struct feature *features, uint32_t n_features) {
    struct scan text = *typed;
    if (line->n_pictures == MOST_PICTURES || !scan_trigger(&text)) return false;
    uint32_t start = line->items.length;
    struct picture picture = {&line->items, typed->text[typed->at].cluster, 0, 0, features, n_features};
    picture_put(&picture, BLANK, 0, 0); /* tells how large a cell is */
    if (!picture_draw(&picture, &text)) return line->items.length = start, false;
    if (picture.n_steps > most_steps) most_steps = picture.n_steps;
    line->pictures[line->n_pictures++] =
        (struct drawn){picture.cluster, start, line->items.length - start, picture.width};
    while (++typed->at < text.at) text_append(&line->items, ZERO_WIDTH_SPACE, typed->text[typed->at].cluster);
    return true;
}

static void draw_all(struct line *line, struct scan typed, const struct feature *features, uint32_t n_features) {
    while (typed.at < typed.length && !line->items.failed) {
        if (draw(line, &typed, features, n_features)) continue;
        const struct glyph_info *c = &typed.text[typed.at++];
        text_append(&line->items, c->codepoint, c->cluster);
    }
}

/* ---- The glyphs to their places ---- */

/* An item of either array of a buffer is five words. */
#define WORDS 5

static void reverse(uint32_t *items, uint32_t n) {
    for (uint32_t *last = items + WORDS * n - WORDS; items < last; last -= 2 * WORDS)
        for (uint32_t i = 0; i < WORDS; i++, items++, last++) {
            uint32_t swapped = *items;
            *items = *last, *last = swapped;
        }
}

static int32_t to_font(int32_t hundredths, int32_t cell) { return (int32_t)((int64_t)hundredths * cell / CELL); }

/* The picture's glyphs lie in one row, in the order of the text or, in right-to-left text, against it. */
static void place(const struct line *line, const struct drawn *picture, struct buffer_contents *shaped,
                  const int32_t scale[2]) {
    uint32_t first = 0, n = picture->length;
    while (first < shaped->length && shaped->info[first].cluster != picture->cluster) first++;
    if (n > shaped->length - first || shaped->info[first + n - 1].cluster != picture->cluster) return;
    struct glyph_position *pos = shaped->pos + first;
    if (shaped->info[0].cluster > shaped->info[shaped->length - 1].cluster) {
        reverse(&shaped->info[first].codepoint, n); /* what covers must come after what is covered */
        reverse((uint32_t *)&pos->x_advance, n);
    }
    int32_t cell = pos[0].x_advance, pen = 0, line_y = 0;
    int32_t row = scale[0] ? (int32_t)((int64_t)cell * scale[1] / scale[0]) : cell; /* Qt counts y downwards */
    for (uint32_t i = 0; i < n; i++) {
        const struct glyph_info *item = &line->items.info[picture->start + i];
        bool goes_on = item->mask == GOES_ON;
        int32_t x = goes_on ? pen : to_font((int32_t)item->var1, cell);
        int32_t y = goes_on ? line_y : to_font((int32_t)item->var2, row);
        pen = item->codepoint == BLANK ? x : x + pos[i].x_advance;
        line_y = y;
        pos[i] = (struct glyph_position){.x_offset = x, .y_offset = y};
    }
    pos[n - 1].x_advance = to_font(picture->width, cell);
}

static void place_all(const struct line *line, hb_font_t font, hb_buffer_t buffer) {
    struct buffer_contents shaped = {0};
    int32_t scale[2];
    if (!buffer_copy_contents(buffer, &shaped)) return;
    font_get_scale(font, &scale[0], &scale[1]);
    for (uint32_t i = 0; i < line->n_pictures; i++) place(line, &line->pictures[i], &shaped, scale);
    buffer_set_contents(buffer, &shaped);
    free(shaped.info);
    free(shaped.pos);
}

/* ---- One call ---- */

/* Most texts have none: they are looked through and no more, by Horspool's method (Practical fast searching in strings,
 * 1980): from a character one may go on as far as the trigger has no other of its kind before its last one. */
static bool has_trigger(const struct glyph_info *info, uint32_t length) {
    uint32_t before = trigger.length - 1, skip;
    for (uint32_t at = before; at < length; at += skip) {
        skip = trigger.skip[info[at].codepoint % KINDS];
        if (skip) continue;
        skip = trigger.skip_on;
        struct scan here = {info, length, at - before};
        if (scan_trigger(&here)) return true;
    }
    return false;
}

int32_t EXPORT(shape)(void *plan, hb_font_t font, hb_buffer_t buffer, const struct feature *features,
                      uint32_t n_features) {
    (void)plan;
    static struct line line;
    line.n_pictures = most_steps = 0;
    read_trigger(font);
    struct buffer_contents typed = copy_typed_text(buffer);
    struct scan text = {typed.info, typed.length, 0};
    if (has_trigger(typed.info, typed.length)) draw_all(&line, text, features, n_features);
    free_typed_text(&typed);
    bool shown = line.n_pictures && !line.items.failed && put_text(buffer, line.items.info, line.items.length);
    shape_with(font, buffer, features, n_features, "ot");
    if (shown) place_all(&line, font, buffer);
    text_free(&line.items);
    return 1;
}

/* For a page with a slider: how many steps the longest game of the latest shape() has. */
uint32_t EXPORT(picture_steps)(void) { return most_steps; }
