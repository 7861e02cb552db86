#include "budget.h"

/* About 100 ms with the default model on one slow core of a server, at some 1 ms and 5 ms a token; and the least for
 * larger models, whose tokens come one by one while somebody types. */
#ifdef __wasm_simd128__
#define DEFAULT_BUDGET 80
#define LEAST_BUDGET 32
#else
#define DEFAULT_BUDGET 16
#define LEAST_BUDGET 8
#endif
#define DEFAULT_MODEL 6000000 /* weights of the default model's layers */
#define WHOLE_STORY 512       /* positions: hosts have time limits, too */
#define STORY_MODEL (4 * DEFAULT_MODEL) /* weights of the layers of one that computes so many in about two seconds */
#define LEAST_STORY 128                 /* a question and its answer */

static uint64_t weights_of_layers(const struct model *model) {
    const struct model_header *h = &model->header;
    uint64_t dim = h->dim, kv_dim = (uint64_t)model->head_size * h->n_kv_heads;
    return h->n_layers * (2 * dim * dim + 2 * dim * kv_dim + 3 * dim * h->hidden_dim);
}

/* So many positions, or for a model of more weights than `enough` so many fewer, but at least `least`. */
static uint32_t fewer(uint32_t positions, uint32_t least, uint64_t enough, uint64_t weights) {
    if (weights <= enough) return positions;
    uint64_t scaled = positions * enough / weights;
    return scaled > least ? (uint32_t)scaled : least;
}

uint32_t budget_of_call(const struct settings *settings, const struct model *model, bool is_first) {
    uint32_t budget = settings->header.max_tokens_per_call, context = model->header.context_length;
    if (budget) return budget;
    uint64_t weights = weights_of_layers(model);
    if (!is_first) return fewer(DEFAULT_BUDGET, LEAST_BUDGET, DEFAULT_MODEL, weights);
    uint32_t story = fewer(WHOLE_STORY, LEAST_STORY, STORY_MODEL, weights);
    return context < story ? context : story;
}
