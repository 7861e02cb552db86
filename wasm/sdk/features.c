#include "features.h"

const struct feature *feature_at(const struct feature *features, uint32_t n, uint32_t tag, uint32_t cluster) {
    while (n--)
        if (features[n].tag == tag && features[n].start <= cluster && cluster < features[n].end) return &features[n];
    return NULL;
}
