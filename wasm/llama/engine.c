#include "engine.h"

#include "memory.h"
#include "vector.h"

#define POSITIONS 16 /* whose keys lie side by side */

static uint64_t round_up(uint64_t n, uint64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

bool engine_open(struct engine *e, const uint8_t *table, uint32_t length) {
    if (!model_open(&e->model, table, length)) return false;
    const struct model_header *h = &e->model.header;
    uint32_t head_size = e->model.head_size;
    uint64_t heads = (uint64_t)h->n_layers * h->n_kv_heads;
    uint32_t widest = h->dim > h->hidden_dim ? h->dim : h->hidden_dim;

    e->head_stride = (uint32_t)round_up(head_size, 4);
    e->n_blocks = (uint32_t)round_up(h->context_length, POSITIONS) / POSITIONS;
    e->tokens = allocate(h->context_length, sizeof *e->tokens);
    e->logits = allocate(round_up(h->vocab_size, BLOCK_ROWS), sizeof(float));
    e->keys = allocate(heads * e->n_blocks * head_size, POSITIONS * sizeof(float));
    e->values = allocate(heads * h->context_length, e->head_stride * sizeof(float));
    e->width = (uint32_t)round_up(widest, BLOCK_ROWS);
    e->scores = allocate((uint64_t)e->n_blocks * POSITIONS, sizeof(float));
    float **const scratch[] = {&e->x,     &e->normed,   &e->query,  &e->key,
                               &e->value, &e->attended, &e->hidden, &e->hidden3};
    bool allocated = e->tokens && e->logits && e->keys && e->values && e->scores;
    for (uint32_t i = 0; i < sizeof scratch / sizeof *scratch; i++)
        allocated &= (*scratch[i] = allocate((uint64_t)BATCH * e->width, sizeof(float))) != NULL;
    for (uint32_t i = 0; i < BATCH; i++) {
        e->activations[i].packed = allocate(1, packed_size(widest));
        e->activations[i].offsets = allocate(widest / 8 + 1, sizeof(int32_t));
        allocated &= e->activations[i].packed && e->activations[i].offsets;
    }
    return allocated;
}

/* out = matrix * x for each of `count` vectors, which are `width` elements apart. Without x,
 * the vectors are those of the call before. */
static void product(struct engine *e, float *out, const struct matrix *matrix, const float *x, uint32_t count) {
    for (uint32_t i = 0; x && i < count; i++) quantise_activations(&e->activations[i], x + i * e->width, matrix);
    multiply(out, e->width, matrix, e->activations, count);
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

static void embed(float *out, const struct matrix *embedding, uint32_t token) {
    for (uint32_t i = 0; i < embedding->columns; i++)
        out[i] = (float)weight_at(embedding, token, i) * embedding->scales[token];
}

/* RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467): out = x / sqrt(mean(x^2) + epsilon) * weight. The arrays are
 * padded, and `x` is zero past `n`. */
static void rms_norm(float *out, const float *x, const float *weight, uint32_t n, float epsilon) {
    f32x4 squares = splat4(0);
    for (uint32_t i = 0; i < n; i += 4) squares = squares + load4(x + i) * load4(x + i);
    float scale = 1.0f / __builtin_sqrtf(sum4(squares) / (float)n + epsilon);
    for (uint32_t i = 0; i < n; i++) out[i] = x[i] * scale * weight[i];
}

/* RoPE (Su et al. 2021, arXiv:2104.09864): turns each pair of elements of each head by the position's angle. */
static void rotate(float *x, uint32_t n, const float *rope, uint32_t head_size) {
    for (uint32_t i = 0; i < n; i += 2) {
        const float *angle = rope + i % head_size;
        float cosine = angle[0], sine = angle[1], a = x[i], b = x[i + 1];
        x[i] = a * cosine - b * sine;
        x[i + 1] = a * sine + b * cosine;
    }
}

/* Keys are stored by blocks of 16 positions, so that one load brings an element of four of them. */
static void store_key(const struct engine *e, float *keys, const float *key, uint32_t position) {
    uint32_t head_size = e->model.head_size;
    float *block = keys + (uint64_t)(position / POSITIONS) * head_size * POSITIONS + position % POSITIONS;
    for (uint32_t i = 0; i < head_size; i++) block[i * POSITIONS] = key[i];
}

/* scores[t] = query . key[t] * scale, elements added in order; up to 15 scores past `n` are left without meaning. */
static void score(float *scores, const float *query, const float *keys, uint32_t head_size, uint32_t n, float scale) {
    for (uint32_t t = 0; t < n; t += POSITIONS) {
        f32x4 s0 = splat4(0), s1 = s0, s2 = s0, s3 = s0;
#pragma clang loop unroll_count(2)
        for (uint32_t i = 0; i < head_size; i++, keys += POSITIONS) {
            f32x4 q = splat4(query[i]);
            s0 = s0 + q * load4(keys);
            s1 = s1 + q * load4(keys + 4);
            s2 = s2 + q * load4(keys + 8);
            s3 = s3 + q * load4(keys + 12);
        }
        store4(scores + t, s0 * scale);
        store4(scores + t + 4, s1 * scale);
        store4(scores + t + 8, s2 * scale);
        store4(scores + t + 12, s3 * scale);
    }
}

/* Turns scores into e^(score - largest), zero past `n`; returns their sum. */
static float exponentials(float *scores, uint32_t n) {
    f32x4 most = splat4(-3.402823466e38f);
    uint32_t whole = n / 4 * 4;
    for (uint32_t t = 0; t < whole; t += 4) most = select4(load4(scores + t) > most, load4(scores + t), most);
    float largest = most[0];
    for (uint32_t j = 1; j < 4; j++) largest = most[j] > largest ? most[j] : largest;
    for (uint32_t t = whole; t < n; t++) largest = scores[t] > largest ? scores[t] : largest;
    f32x4 sum = splat4(0);
    for (uint32_t t = 0; t < n; t += 4) {
        f32x4 weights = exp4(load4(scores + t) - largest);
        for (uint32_t j = 0; t + 4 > n && j < 4; j++)
            if (t + j >= n) weights[j] = 0;
        store4(scores + t, weights);
        sum = sum + weights;
    }
    return sum4(sum);
}

/* Elements whose sums blend() holds in registers: all of a head, where they suffice, so that values are read once and
 * in order. */
#ifdef __wasm_simd128__
#define BLENDED 48
#else
#define BLENDED 16
#endif

/* `count` vectors of four elements of blend()'s result, a constant to the compiler. */
static inline __attribute__((always_inline)) void blend_vectors(float *out, const float *weights, const float *values,
                                                                uint32_t count, uint32_t stride, uint32_t n,
                                                                float inverse) {
    f32x4 sums[BLENDED / 4] = {};
    for (uint32_t t = 0; t < n; t++, values += stride) {
        f32x4 weight = splat4(weights[t]);
#pragma clang loop unroll(full)
        for (uint32_t k = 0; k < count; k++) sums[k] = sums[k] + weight * load4(values + 4 * k);
    }
#pragma clang loop unroll(full)
    for (uint32_t k = 0; k < count; k++) {
        f32x4 done = sums[k] * inverse;
        memcpy(out + 4 * k, &done, sizeof done);
    }
}

/* out = sum over positions, in order, of weight * value; then divided by the sum of the weights. */
static void blend(float *out, const float *weights, const float *values, uint32_t head_size, uint32_t stride,
                  uint32_t n, float total) {
    float inverse = 1.0f / total;
    uint32_t i = 0;
    for (; i + BLENDED <= head_size; i += BLENDED)
        blend_vectors(out + i, weights, values + i, BLENDED / 4, stride, n, inverse);
    for (; i + 4 <= head_size; i += 4) blend_vectors(out + i, weights, values + i, 1, stride, n, inverse);
    for (; i < head_size; i++) {
        float sum = 0;
        for (uint32_t t = 0; t < n; t++) sum += weights[t] * values[(uint64_t)t * stride + i];
        out[i] = sum * inverse;
    }
}

/* One position: queries of all heads against the keys and values up to here. Grouped-query attention (Ainslie et al.
 * 2023, arXiv:2305.13245): several heads share keys and values. */
static void attend(struct engine *e, float *out, const float *query, const float *keys, const float *values,
                   uint32_t n) {
    const struct model_header *h = &e->model.header;
    uint32_t head_size = e->model.head_size, group = h->n_heads / h->n_kv_heads;
    uint64_t keys_size = (uint64_t)e->n_blocks * head_size * POSITIONS;
    uint64_t values_size = (uint64_t)h->context_length * e->head_stride;
    for (uint32_t head = 0; head < h->n_heads; head++, query += head_size, out += head_size) {
        uint32_t kv = head / group;
        score(e->scores, query, keys + kv * keys_size, head_size, n, h->attention_scale);
        float total = exponentials(e->scores, n);
        blend(out, e->scores, values + kv * values_size, head_size, e->head_stride, n, total);
    }
}

static void add(float *x, const float *y, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) x[i] += y[i];
}

static void attention(struct engine *e, uint32_t layer_index, uint32_t position, uint32_t count) {
    const struct model_header *h = &e->model.header;
    const struct layer *layer = &e->model.layers[layer_index];
    uint32_t head_size = e->model.head_size, kv_dim = head_size * h->n_kv_heads, width = e->width;
    uint64_t keys_size = (uint64_t)e->n_blocks * head_size * POSITIONS;
    uint64_t values_size = (uint64_t)h->context_length * e->head_stride;
    float *keys = e->keys + layer_index * h->n_kv_heads * keys_size;
    float *values = e->values + layer_index * h->n_kv_heads * values_size;

    for (uint32_t i = 0; i < count; i++)
        rms_norm(e->normed + i * width, e->x + i * width, layer->attention_norm, h->dim, h->norm_eps);
    product(e, e->query, &layer->wq, e->normed, count);
    product(e, e->key, &layer->wk, NULL, count);
    product(e, e->value, &layer->wv, NULL, count);
    for (uint32_t i = 0; i < count; i++) {
        const float *rope = e->model.rope + (uint64_t)(position + i) * head_size;
        float *key = e->key + i * width, *value = e->value + i * width;
        rotate(e->query + i * width, h->dim, rope, head_size);
        rotate(key, kv_dim, rope, head_size);
        for (uint32_t kv = 0; kv < h->n_kv_heads; kv++) {
            store_key(e, keys + kv * keys_size, key + kv * head_size, position + i);
            float *row = values + kv * values_size + (uint64_t)(position + i) * e->head_stride;
            memcpy(row, value + kv * head_size, head_size * sizeof(float));
        }
        attend(e, e->attended + i * width, e->query + i * width, keys, values, position + i + 1);
    }
    product(e, e->normed, &layer->wo, e->attended, count);
    for (uint32_t i = 0; i < count; i++) add(e->x + i * width, e->normed + i * width, h->dim);
}

/* SwiGLU (Shazeer 2020, arXiv:2002.05202): w2 (silu(w1 x) * w3 x), silu(a) = a / (1 + e^-a). */
static void feed_forward(struct engine *e, const struct layer *layer, uint32_t count) {
    const struct model_header *h = &e->model.header;
    uint32_t width = e->width;
    for (uint32_t i = 0; i < count; i++)
        rms_norm(e->normed + i * width, e->x + i * width, layer->ffn_norm, h->dim, h->norm_eps);
    product(e, e->hidden, &layer->w1, e->normed, count);
    product(e, e->hidden3, &layer->w3, NULL, count);
    for (uint32_t i = 0; i < count * width; i += 4) {
        f32x4 gate = load4(e->hidden + i);
        store4(e->hidden + i, gate / (1.0f + exp4(-gate)) * load4(e->hidden3 + i));
    }
    product(e, e->normed, &layer->w2, e->hidden, count);
    for (uint32_t i = 0; i < count; i++) add(e->x + i * width, e->normed + i * width, h->dim);
}

/* Runs tokens at consecutive positions through all layers and remembers their keys and values; `x` then holds, for
 * each, what the classifier wants. */
static void forward(struct engine *e, const uint32_t *tokens, uint32_t position, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) embed(e->x + i * e->width, &e->model.embedding, tokens[i]);
    for (uint32_t i = 0; i < e->model.header.n_layers; i++) {
        attention(e, i, position, count);
        feed_forward(e, &e->model.layers[i], count);
    }
}

/* The logits that follow one of the positions just computed. */
static void classify(struct engine *e, uint32_t i) {
    const struct model_header *h = &e->model.header;
    const struct matrix *classifier = &e->model.classifier;
    rms_norm(e->normed, e->x + i * e->width, e->model.final_norm, h->dim, h->norm_eps);
    quantise_activations(&e->activations[0], e->normed, classifier);
    multiply(e->logits, 0, classifier, e->activations, 1);
}

/* Forgets what does not begin with `tokens`; returns how many of them are cached. */
static uint32_t keep_common_prefix(struct engine *e, const uint32_t *tokens, uint32_t n) {
    uint32_t common = 0;
    while (common < n && common < e->n_tokens && e->tokens[common] == tokens[common]) common++;
    if (common < n) {
        e->n_tokens = common;
        if (e->logits_after > common) e->logits_after = 0;
    }
    return common;
}

const float *engine_logits(struct engine *e, const uint32_t *tokens, uint32_t n, uint32_t *budget) {
    uint32_t position = keep_common_prefix(e, tokens, n);
    if (position == n && e->logits_after == n) return e->logits;
    if (position == n) position--; /* its keys and values are known, but not what the classifier wants */
    uint32_t count = 0;
    for (; position < n; position += count) {
        count = n - position < BATCH ? n - position : BATCH;
        if (count > *budget) count = *budget;
        if (!count) return NULL;
        *budget -= count;
        forward(e, tokens + position, position, count);
        memcpy(e->tokens + position, tokens + position, count * sizeof *tokens);
        if (position + count > e->n_tokens) e->n_tokens = position + count;
    }
    classify(e, count - 1);
    e->logits_after = n;
    return e->logits;
}
