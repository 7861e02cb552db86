/* OpenType features that steer the model, by tags of our own that no OpenType lookup has:
 *
 *     TEMP   temperature in hundredths; 0 always takes the most likely token
 *     SEED   chooses among the possible continuations
 *     TOPK   samples among so many most likely tokens; 0: all
 *     TOPP   samples among the most likely tokens that have so many hundredths of the probability; 0: all
 *     TOKN   shows where tokens begin: 1 those that are generated, 2 those of the prompt, too
 *
 * What no feature says is as the font's settings have it. SEED, TOPK or TOPP without TEMP mean a temperature of 1 where
 * the font's own is 0. A feature may be set on a part of the text, as in CSS. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "features.h"
#include "settings_table.h"

struct options {
    uint32_t temperature, seed, top_k, top_p, boundaries;
};

/* What holds for a cluster; of two values for a tag the later one. */
struct options options_at(const struct settings_header *defaults, const struct feature *features, uint32_t n,
                          uint32_t cluster);

/* Copies the features that are OpenType's, in order; returns how many. */
uint32_t opentype_features(struct feature *out, const struct feature *features, uint32_t n);

#endif
