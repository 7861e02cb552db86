#include "transformer.h"

#include "attention.h"
#include "inlining.h"
#include "memory.h"
#include "vector.h"

static uint64_t round_up(uint64_t n, uint64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

bool transformer_open(struct transformer *t, const uint8_t *table, uint32_t length) {
    if (!model_open(&t->model, table, length)) return false;
    const struct model_header *h = &t->model.header;
    uint32_t widest = h->dim > h->hidden_dim ? h->dim : h->hidden_dim;

    t->tokens = allocate(h->context_length, sizeof *t->tokens);
    t->logits = allocate(round_up(h->vocab_size, BLOCK_ROWS), sizeof(float));
    t->scores = allocate(round_up(h->context_length, POSITIONS), sizeof(float));
    t->width = (uint32_t)round_up(widest, BLOCK_ROWS);
    bool allocated = kv_cache_open(&t->cache, &t->model) && t->tokens && t->logits && t->scores;
    float **const scratch[] = {&t->x, &t->normed, &t->query, &t->key, &t->value, &t->attended, &t->gate, &t->up};
    for (uint32_t i = 0; i < sizeof scratch / sizeof *scratch; i++)
        allocated &= (*scratch[i] = allocate((uint64_t)BATCH * t->width, sizeof(float))) != NULL;
    for (uint32_t i = 0; i < BATCH; i++) {
        t->activations[i].packed = allocate(1, packed_size(widest));
        t->activations[i].offsets = allocate(widest / 8 + 1, sizeof(int32_t));
        allocated &= t->activations[i].packed && t->activations[i].offsets;
    }
    return allocated;
}

/* A weight of the embedding matrix, as an integer. */
static int32_t weight_at(const struct matrix *m, uint32_t row, uint32_t column) {
    uint32_t unit_columns = 8 * UNIT_BYTES / m->bits, unit = column / unit_columns;
    uint64_t block = row / BLOCK_ROWS;
    const uint8_t *bytes = m->weights + ((block * m->units + unit) * BLOCK_ROWS + row % BLOCK_ROWS) * UNIT_BYTES;
    if (m->bits == 8) {
        uint8_t byte = bytes[column % 4];
        return column % 2 ? (int8_t)byte : byte - 128;
    }
    uint32_t nibble = bytes[column % 8 / 2] >> (column % 2 * 4) & 0xF;
    int32_t weight = column % 4 == 3 ? (int32_t)(nibble ^ 8) - 8 : (int32_t)nibble - 8;
    return weight * m->group_scales[(block * m->groups + unit / m->group_units) * BLOCK_ROWS + row % BLOCK_ROWS];
}

static NEVER_INLINE void embed(float *out, const struct matrix *embedding, uint32_t token) {
    for (uint32_t i = 0; i < embedding->columns; i++)
        out[i] = (float)weight_at(embedding, token, i) * embedding->scales[token];
}

/* RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467): out = x / sqrt(mean(x^2) + epsilon) * weight. The arrays are
 * padded, and `x` is zero past `n`. */
static NEVER_INLINE void rmsnorm(float *out, const float *x, const float *weight, uint32_t n, float epsilon) {
    f32x4 squares = splat4(0);
    for (uint32_t i = 0; i < n; i += 4) squares = squares + load4(x + i) * load4(x + i);
    float scale = 1.0f / __builtin_sqrtf(sum4(squares) / (float)n + epsilon);
    for (uint32_t i = 0; i < n; i++) out[i] = x[i] * scale * weight[i];
}

static void normalise(struct transformer *t, const float *weight, uint32_t count) {
    const struct model_header *h = &t->model.header;
    for (uint32_t i = 0; i < count; i++)
        rmsnorm(t->normed + i * t->width, t->x + i * t->width, weight, h->dim, h->norm_eps);
}

/* Makes `count` vectors, which are `width` elements apart, those that project() multiplies from now on; `first` is one
 * of the matrices, which are all of one width and precision. */
static void set_inputs(struct transformer *t, const float *x, const struct matrix *first, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) quantise_activations(&t->activations[i], x + i * t->width, first);
}

/* out = matrix * each of the vectors of set_inputs(). */
static void project(struct transformer *t, float *out, const struct matrix *matrix, uint32_t count) {
    matmul(out, t->width, matrix, t->activations, count);
}

static NEVER_INLINE void add(float *to, const float *x, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) to[i] += x[i];
}

/* x += matrix * each of the vectors of set_inputs(): the residual stream. */
static void project_onto_residual(struct transformer *t, const struct matrix *matrix, uint32_t count) {
    project(t, t->normed, matrix, count);
    for (uint32_t i = 0; i < count; i++) add(t->x + i * t->width, t->normed + i * t->width, matrix->rows);
}

static void attention(struct transformer *t, uint32_t layer_index, uint32_t position, uint32_t count) {
    const struct model *model = &t->model;
    const struct layer *layer = &model->layers[layer_index];
    uint32_t head_size = model->head_size, dim = model->header.dim, width = t->width;

    normalise(t, layer->attention_norm, count);
    set_inputs(t, t->normed, &layer->wq, count);
    project(t, t->query, &layer->wq, count);
    project(t, t->key, &layer->wk, count);
    project(t, t->value, &layer->wv, count);
    for (uint32_t i = 0; i < count; i++) {
        const float *rope = model->rope + (uint64_t)(position + i) * head_size;
        float *query = t->query + i * width, *key = t->key + i * width;
        rotate(query, dim, rope, head_size);
        rotate(key, head_size * model->header.n_kv_heads, rope, head_size);
        kv_cache_store(&t->cache, layer_index, position + i, key, t->value + i * width);
        attend(t->attended + i * width, query, t->scores, model, &t->cache, layer_index, position + i + 1);
    }
    set_inputs(t, t->attended, &layer->wo, count);
    project_onto_residual(t, &layer->wo, count);
}

/* gate = silu(gate) * up, silu(a) = a / (1 + e^-a) (SwiGLU, Shazeer 2020, arXiv:2002.05202). */
static NEVER_INLINE void swiglu(float *gate, const float *up, uint32_t n) {
    for (uint32_t i = 0; i < n; i += 4) {
        f32x4 four = load4(gate + i);
        store4(gate + i, four / (1.0f + exp4(-four)) * load4(up + i));
    }
}

static void feed_forward(struct transformer *t, const struct layer *layer, uint32_t count) {
    normalise(t, layer->ffn_norm, count);
    set_inputs(t, t->normed, &layer->w1, count);
    project(t, t->gate, &layer->w1, count);
    project(t, t->up, &layer->w3, count);
    swiglu(t->gate, t->up, count * t->width);
    set_inputs(t, t->gate, &layer->w2, count);
    project_onto_residual(t, &layer->w2, count);
}

/* Runs tokens at consecutive positions through all layers and remembers their keys and values; `x` then holds, for
 * each, what the classifier wants. */
static void forward(struct transformer *t, const uint32_t *tokens, uint32_t position, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) embed(t->x + i * t->width, &t->model.embedding, tokens[i]);
    for (uint32_t i = 0; i < t->model.header.n_layers; i++) {
        attention(t, i, position, count);
        feed_forward(t, &t->model.layers[i], count);
    }
}

/* The logits that follow one of the positions just computed. */
static void classify(struct transformer *t, uint32_t i) {
    const struct model_header *h = &t->model.header;
    const struct matrix *classifier = &t->model.classifier;
    rmsnorm(t->normed, t->x + i * t->width, t->model.final_norm, h->dim, h->norm_eps);
    quantise_activations(&t->activations[0], t->normed, classifier);
    matmul(t->logits, 0, classifier, t->activations, 1);
}

/* Forgets what does not begin with `tokens`; returns how many of them are cached. */
static uint32_t keep_common_prefix(struct transformer *t, const uint32_t *tokens, uint32_t n) {
    uint32_t common = 0;
    while (common < n && common < t->n_tokens && t->tokens[common] == tokens[common]) common++;
    if (common < n) {
        t->n_tokens = common;
        if (t->logits_after > common) t->logits_after = 0;
    }
    return common;
}

const float *transformer_logits(struct transformer *t, const uint32_t *tokens, uint32_t n, uint32_t *budget) {
    uint32_t position = keep_common_prefix(t, tokens, n);
    if (position == n && t->logits_after == n) return t->logits;
    if (position == n) position--; /* its keys and values are known, but not what the classifier wants */
    uint32_t count = 0;
    for (; position < n; position += count) {
        count = n - position < BATCH ? n - position : BATCH;
        if (count > *budget) count = *budget;
        if (!count) return NULL;
        *budget -= count;
        forward(t, tokens + position, position, count);
        memcpy(t->tokens + position, tokens + position, count * sizeof *tokens);
        if (position + count > t->n_tokens) t->n_tokens = position + count;
    }
    classify(t, count - 1);
    t->logits_after = n;
    return t->logits;
}
