#include "typed.h"

#include "memory.h"

/* Short texts are copied into an array of our own. A host need not say how long they are, so entries that no text has
 * stand behind the last one, until one does: fontgen's own, which leaves out the positions, too, where there is no
 * array for them. */
#define SHORT_TEXT 1024
#define UNWRITTEN 0xFFFFFFFFu

static struct glyph_info short_info[SHORT_TEXT];
static struct glyph_position short_pos[SHORT_TEXT];
static uint32_t short_written = SHORT_TEXT;
static bool host_tells;

static bool is_unwritten(const struct glyph_info *info) {
    return (info->codepoint & info->mask & info->cluster & info->var1 & info->var2) == UNWRITTEN;
}

static uint32_t written_length(void) {
    uint32_t low = 0, high = SHORT_TEXT;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (is_unwritten(&short_info[middle])) high = middle;
        else low = middle + 1;
    }
    return low;
}

struct buffer_contents copy_typed_text(hb_buffer_t buffer) {
    if (!host_tells) memset(short_info, 0xFF, short_written * sizeof *short_info);
    struct buffer_contents text = {SHORT_TEXT, short_info, host_tells ? NULL : short_pos};
    bool copied = buffer_copy_contents(buffer, &text);
    short_written = SHORT_TEXT;
    if (!copied) text.length = 0;
    if (!copied || text.info != short_info) return text;
    if (text.length < SHORT_TEXT) host_tells = true;
    if (!host_tells) text.length = short_written = written_length();
    return text;
}

void free_typed_text(struct buffer_contents *text) {
    if (text->info == short_info) return;
    free(text->info);
    free(text->pos);
}

bool put_text(hb_buffer_t buffer, const struct glyph_info *info, uint32_t length) {
    struct buffer_contents contents = {length, (struct glyph_info *)info, malloc(length * sizeof(struct glyph_position))};
    if (!contents.pos) return false;
    memset(contents.pos, 0, length * sizeof *contents.pos);
    bool done = buffer_set_contents(buffer, &contents);
    free(contents.pos);
    return done;
}
