#include "settings_table.h"

#include "memory.h"
#include "table.h"

bool settings_open(struct settings *settings, const void *table, uint32_t length) {
    struct settings_header *h = &settings->header;
    uint32_t version = table_version(table, length, SETTINGS_TAG);
    uint32_t header_size = version == 1 ? SETTINGS_HEADER_SIZE_1 : sizeof *h;
    if (version < 1 || version > SETTINGS_VERSION || length < header_size) return false;
    memset(h, 0, sizeof *h); /* what an older table does not say */
    memcpy(h, table, header_size);
    settings->replacements = allocate((uint64_t)h->n_replacements + 1, sizeof *settings->replacements);
    if (!settings->replacements) return false;
    const uint32_t *words = (const uint32_t *)table + header_size / 4, *end = (const uint32_t *)table + length / 4;
    uint64_t n_frame = (uint64_t)h->n_before + h->n_after + h->n_between + h->n_stops;
    if ((uint64_t)(end - words) < n_frame) return false;
    settings->is_framed = h->n_before + h->n_after + h->n_between;
    settings->frame = settings->before = words;
    settings->after = settings->before + h->n_before;
    settings->between = settings->after + h->n_after;
    settings->stops = settings->between + h->n_between;
    words += n_frame;
    for (uint32_t i = 0; i < h->n_replacements; i++) {
        struct replacement *replacement = &settings->replacements[i];
        if (end - words < 2) return false;
        replacement->from_length = *words++;
        replacement->to_length = *words++;
        if (replacement->from_length == 0 || replacement->from_length > 255 ||
            replacement->to_length == 0 || replacement->to_length > 255 ||
            end - words < (int32_t)(replacement->from_length + replacement->to_length))
            return false;
        replacement->from = words;
        replacement->to = words + replacement->from_length;
        words += replacement->from_length + replacement->to_length;
        uint32_t letter = replacement->from[0] % 256;
        settings->first_letters[letter / 32] |= 1u << letter % 32;
    }
    return words == end && length % 4 == 0;
}

bool settings_stop_at(const struct settings *settings, uint32_t token) {
    for (uint32_t i = 0; i < settings->header.n_stops; i++)
        if (settings->stops[i] == token) return true;
    return false;
}
