#include "options.h"

#include "font_tables.h"

/* Where the value of one of our tags goes, or NULL. */
static uint32_t *option(struct options *options, uint32_t tag) {
    switch (tag) {
    case TAG_TEMPERATURE: return &options->temperature;
    case TAG_SEED: return &options->seed;
    case TAG_TOP_K: return &options->top_k;
    case TAG_TOP_P: return &options->top_p;
    case TAG_BOUNDARIES: return &options->boundaries;
    default: return NULL;
    }
}

struct options options_at(const struct settings_header *defaults, const struct feature *features, uint32_t n,
                          uint32_t cluster) {
    struct options options = {defaults->temperature, defaults->seed, defaults->top_k, defaults->top_p, 0};
    bool temperature_set = options.temperature, sampling_set = false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t *value = option(&options, features[i].tag);
        if (!value || cluster < features[i].start || features[i].end <= cluster) continue;
        *value = features[i].value;
        temperature_set |= value == &options.temperature;
        sampling_set |= value != &options.boundaries;
    }
    if (!temperature_set && sampling_set && (options.seed || options.top_k || options.top_p)) options.temperature = 100;
    return options;
}

uint32_t opentype_features(struct feature *out, const struct feature *features, uint32_t n) {
    struct options ignored;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!option(&ignored, features[i].tag)) out[kept++] = features[i];
    return kept;
}
