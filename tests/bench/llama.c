/* The Llama transformer as a plain C loop in float32: what the font is measured against.
 *
 * Written as one would write it first, in the manner of llama2.c's run.c: a matrix row at a time, one sum after the
 * other, no intrinsics, no quantisation. Compiled as a shared library (see native.py) with -O3 -march=native. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct config {
    int32_t dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, context_length, tied_embeddings;
    float norm_eps;
};

struct layer {
    const float *attention_norm; /* dim */
    const float *wq;             /* dim, dim */
    const float *wk, *wv;        /* kv_dim, dim */
    const float *wo;             /* dim, dim */
    const float *ffn_norm;       /* dim */
    const float *w1;             /* hidden_dim, dim */
    const float *w2;             /* dim, hidden_dim */
    const float *w3;             /* hidden_dim, dim */
};

struct llama {
    struct config config;
    int head_size, kv_dim;
    const float *embeddings, *norm, *classifier, *rope;
    struct layer *layers;
    float *keys, *values; /* n_layers, context_length, kv_dim */
    float *x, *normed, *blended, *query, *gate, *up, *scores, *logits;
};

static const float *take(const float **weights, size_t n) {
    const float *tensor = *weights;
    *weights += n;
    return tensor;
}

static float *vector(size_t n) { return calloc(n, sizeof(float)); }

/* weights: every tensor, row by row, in the order of fontgen.model.tensor_shapes; rope: context_length,
 * head_size / 2, cosine and sine. Both stay the caller's. Memory that is not to be had ends the program. */
struct llama *llama_new(const struct config *config, const float *weights, const float *rope) {
    struct llama *m = calloc(1, sizeof *m);
    if (!m) abort();
    m->config = *config;
    m->rope = rope;
    size_t dim = config->dim, hidden = config->hidden_dim, layers = config->n_layers;
    m->head_size = config->dim / config->n_heads;
    m->kv_dim = m->head_size * config->n_kv_heads;
    m->embeddings = take(&weights, config->vocab_size * dim);
    m->layers = calloc(layers, sizeof *m->layers);
    for (size_t i = 0; m->layers && i < layers; i++) {
        struct layer *layer = &m->layers[i];
        layer->attention_norm = take(&weights, dim);
        layer->wq = take(&weights, dim * dim);
        layer->wk = take(&weights, m->kv_dim * dim);
        layer->wv = take(&weights, m->kv_dim * dim);
        layer->wo = take(&weights, dim * dim);
        layer->ffn_norm = take(&weights, dim);
        layer->w1 = take(&weights, hidden * dim);
        layer->w2 = take(&weights, dim * hidden);
        layer->w3 = take(&weights, hidden * dim);
    }
    m->norm = take(&weights, dim);
    m->classifier = config->tied_embeddings ? m->embeddings : weights;
    m->keys = vector(layers * config->context_length * m->kv_dim);
    m->values = vector(layers * config->context_length * m->kv_dim);
    m->x = vector(dim), m->normed = vector(dim), m->blended = vector(dim), m->query = vector(dim);
    m->gate = vector(hidden), m->up = vector(hidden);
    m->scores = vector(config->context_length), m->logits = vector(config->vocab_size);
    if (!m->layers || !m->keys || !m->values || !m->x || !m->normed || !m->blended || !m->query || !m->gate ||
        !m->up || !m->scores || !m->logits)
        abort();
    return m;
}

void llama_free(struct llama *m) {
    float *vectors[] = {m->keys, m->values, m->x, m->normed, m->blended, m->query, m->gate, m->up, m->scores, m->logits};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) free(vectors[i]);
    free(m->layers);
    free(m);
}

static void matmul(float *out, const float *x, const float *w, int columns, int rows) {
    for (int i = 0; i < rows; i++) {
        float sum = 0;
        for (int j = 0; j < columns; j++) sum += w[(size_t)i * columns + j] * x[j];
        out[i] = sum;
    }
}

static void rms_norm(float *out, const float *x, const float *weight, int n, float epsilon) {
    float squares = 0;
    for (int i = 0; i < n; i++) squares += x[i] * x[i];
    float scale = 1 / sqrtf(squares / n + epsilon);
    for (int i = 0; i < n; i++) out[i] = weight[i] * (x[i] * scale);
}

static void rotate(float *x, const float *angles, int n, int head_size) {
    for (int i = 0; i < n; i += 2) {
        float cosine = angles[i % head_size], sine = angles[i % head_size + 1];
        float a = x[i], b = x[i + 1];
        x[i] = a * cosine - b * sine;
        x[i + 1] = a * sine + b * cosine;
    }
}

static void softmax(float *x, int n) {
    float largest = x[0], total = 0;
    for (int i = 1; i < n; i++) largest = x[i] > largest ? x[i] : largest;
    for (int i = 0; i < n; i++) total += x[i] = expf(x[i] - largest);
    for (int i = 0; i < n; i++) x[i] /= total;
}

static void attend(struct llama *m, const float *keys, const float *values, int position) {
    int group = m->config.n_heads / m->config.n_kv_heads, size = m->head_size;
    for (int head = 0; head < m->config.n_heads; head++) {
        const float *query = m->query + head * size;
        int column = head / group * size;
        for (int t = 0; t <= position; t++) {
            const float *key = keys + (size_t)t * m->kv_dim + column;
            float score = 0;
            for (int i = 0; i < size; i++) score += query[i] * key[i];
            m->scores[t] = score / sqrtf((float)size);
        }
        softmax(m->scores, position + 1);
        float *out = m->blended + head * size;
        memset(out, 0, size * sizeof *out);
        for (int t = 0; t <= position; t++) {
            const float *value = values + (size_t)t * m->kv_dim + column;
            for (int i = 0; i < size; i++) out[i] += m->scores[t] * value[i];
        }
    }
}

/* Logits (vocab_size) after the token at this position; the positions before it were computed already. */
const float *llama_forward(struct llama *m, int32_t token, int32_t position) {
    int dim = m->config.dim, hidden = m->config.hidden_dim, kv_dim = m->kv_dim;
    const float *angles = m->rope + (size_t)position * m->head_size;
    memcpy(m->x, m->embeddings + (size_t)token * dim, dim * sizeof *m->x);
    for (int l = 0; l < m->config.n_layers; l++) {
        const struct layer *layer = &m->layers[l];
        float *keys = m->keys + (size_t)l * m->config.context_length * kv_dim;
        float *values = m->values + (size_t)l * m->config.context_length * kv_dim;
        float *key = keys + (size_t)position * kv_dim, *value = values + (size_t)position * kv_dim;

        rms_norm(m->normed, m->x, layer->attention_norm, dim, m->config.norm_eps);
        matmul(m->query, m->normed, layer->wq, dim, dim);
        matmul(key, m->normed, layer->wk, dim, kv_dim);
        matmul(value, m->normed, layer->wv, dim, kv_dim);
        rotate(m->query, angles, dim, m->head_size);
        rotate(key, angles, kv_dim, m->head_size);
        attend(m, keys, values, position);
        matmul(m->normed, m->blended, layer->wo, dim, dim);
        for (int i = 0; i < dim; i++) m->x[i] += m->normed[i];

        rms_norm(m->normed, m->x, layer->ffn_norm, dim, m->config.norm_eps);
        matmul(m->gate, m->normed, layer->w1, dim, hidden);
        matmul(m->up, m->normed, layer->w3, dim, hidden);
        for (int i = 0; i < hidden; i++) m->gate[i] = m->gate[i] / (1 + expf(-m->gate[i])) * m->up[i];
        matmul(m->normed, m->gate, layer->w2, hidden, dim);
        for (int i = 0; i < dim; i++) m->x[i] += m->normed[i];
    }
    rms_norm(m->normed, m->x, m->norm, dim, m->config.norm_eps);
    matmul(m->logits, m->normed, m->classifier, dim, m->config.vocab_size);
    return m->logits;
}
