/* Exports for `fontgen verify`, which asks the engine in a finished font what it computes. HarfBuzz never calls these,
 * and nothing here is needed to shape. */
#include "transformer.h"
#include "harfbuzz.h"
#include "memory.h"
#include "tokenizer.h"

static struct transformer transformer;

/* Opens a model table that lies in memory from malloc(); 1 or 0. */
int32_t EXPORT(inspect_open)(const uint8_t *table, uint32_t length) {
    return transformer_open(&transformer, table, length);
}

/* See tokenizer_encode(). */
uint32_t EXPORT(inspect_encode)(const uint32_t *codepoints, uint32_t n, int32_t at_start, uint32_t *tokens) {
    uint32_t *starts = malloc((4 * (size_t)n + 1) * sizeof *starts), written = 0;
    if (starts) written = tokenizer_encode(&transformer.model, codepoints, n, at_start, tokens, starts);
    free(starts);
    return written;
}

/* See transformer_logits(), without a budget. */
const float *EXPORT(inspect_logits)(const uint32_t *tokens, uint32_t n) {
    uint32_t unlimited = ~0u;
    return transformer_logits(&transformer, tokens, n, &unlimited);
}
