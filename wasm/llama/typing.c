#include "typing.h"

#include "font_tables.h"
#include "sampler.h"

#define REMEMBERED 4

static struct seen {
    uint64_t hash; /* of the text before its marks */
    uint32_t marks;
} seen[REMEMBERED];
static uint32_t next;

bool marks_are_being_typed(const struct glyph_info *info, uint32_t n, uint32_t kept_marks) {
    uint32_t marks = 0;
    while (marks < n && info[n - 1 - marks].codepoint == MORE) marks++;
    if (!marks || marks > kept_marks) return false;
    uint64_t hash = HASH_OF_NOTHING;
    for (uint32_t i = 0; i + marks < n; i++) hash = hash_token(hash, info[i].codepoint);
    for (uint32_t i = 0; i < REMEMBERED; i++) {
        if (!seen[i].marks || seen[i].hash != hash) continue;
        bool fewer = seen[i].marks < marks;
        seen[i].marks = marks;
        return fewer;
    }
    seen[next++ % REMEMBERED] = (struct seen){hash, marks};
    return false;
}
