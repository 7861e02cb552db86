/* The OpenType features of a shape call. Tags in capitals are no OpenType lookups: a font may give them a meaning of its
 * own, and any program that can set features can then steer it. */
#ifndef FEATURES_H
#define FEATURES_H

#include "harfbuzz.h"

#define TAG(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* What holds for a cluster, of several features of a tag the last one; NULL: none. A feature may be set on a part of the
 * text, as in CSS. */
const struct feature *feature_at(const struct feature *features, uint32_t n, uint32_t tag, uint32_t cluster);

#endif
