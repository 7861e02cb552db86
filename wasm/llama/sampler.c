#include "sampler.h"

#include "memory.h"
#include "vector.h"

#define N_REMEMBERED 8192u /* a power of two */
#define NEIGHBOURS 8u      /* places where a token may lie, from that of its key on */

/* The finaliser of SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t splitmix64(uint64_t z) {
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

uint64_t hash_token(uint64_t hash, uint32_t token) { return splitmix64((hash ^ token) + 0x9E3779B97F4A7C15ull); }

/* All that a choice depends on. NO_TOKEN ends the context, so that no other token in it reads as an option. */
static uint64_t key_of(uint64_t hash, const struct options *options, const struct rejected *rejected) {
    hash = hash_token(hash_token(hash, NO_TOKEN), options->temperature);
    if (options->temperature) {
        hash = hash_token(hash, options->seed);
        hash = hash_token(hash, options->top_k);
        hash = hash_token(hash, options->top_p);
    }
    for (uint32_t i = 0; i < rejected->n; i++) hash = hash_token(hash, rejected->tokens[i]);
    return hash;
}

bool sampler_open(struct sampler *sampler, struct transformer *transformer) {
    uint32_t vocab_size = transformer->model.header.vocab_size;
    sampler->transformer = transformer;
    sampler->weights = allocate((uint64_t)vocab_size + 4, sizeof *sampler->weights);
    sampler->heap = allocate(vocab_size, sizeof *sampler->heap);
    sampler->remembered = allocate(N_REMEMBERED, sizeof *sampler->remembered);
    for (uint32_t i = 0; sampler->remembered && i < N_REMEMBERED; i++) sampler->remembered[i].token = NO_TOKEN;
    return sampler->weights && sampler->heap && sampler->remembered;
}

/* The place of a key: where it lies, or else where it may replace another. Several places for each key keep the tokens
 * of one text from pushing each other out at every shape. */
static struct remembered_token *place_of(struct sampler *sampler, uint64_t key) {
    struct remembered_token *place = NULL;
    for (uint32_t i = 0; i < NEIGHBOURS; i++) {
        struct remembered_token *candidate = &sampler->remembered[(key + i) % N_REMEMBERED];
        if (candidate->token != NO_TOKEN && candidate->key == key) return candidate;
        if (!place && candidate->token == NO_TOKEN) place = candidate;
    }
    return place ? place : &sampler->remembered[(key + sampler->replaced++ % NEIGHBOURS) % N_REMEMBERED];
}

static bool is_rejected(const struct rejected *rejected, uint32_t token) {
    for (uint32_t i = 0; i < rejected->n; i++)
        if (rejected->tokens[i] == token) return true;
    return false;
}

static uint32_t most_likely(const float *logits, uint32_t n, const struct rejected *rejected) {
    uint32_t best = NO_TOKEN;
    for (uint32_t token = 0; token < n; token++)
        if ((best == NO_TOKEN || logits[token] > logits[best]) && !is_rejected(rejected, token)) best = token;
    return best;
}

/* ---- Drawing ---- */

static bool heavier(const float *weights, uint32_t a, uint32_t b) {
    return weights[a] > weights[b] || (weights[a] == weights[b] && a < b);
}

static void sift_down(const float *weights, uint32_t *heap, uint32_t n, uint32_t i) {
    uint32_t moved = heap[i], child;
    for (; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heavier(weights, heap[child + 1], heap[child])) child++;
        if (!heavier(weights, heap[child], moved)) break;
        heap[i] = heap[child];
    }
    heap[i] = moved;
}

/* weights[token] = e^((logit - largest) / temperature), 0 for rejected ones; returns their sum. */
static float probabilities(float *weights, const float *logits, uint32_t n, uint32_t temperature,
                           const struct rejected *rejected) {
    float largest = logits[most_likely(logits, n, rejected)], inverse = 100.0f / (float)temperature;
    f32x4 sum = splat4(0);
    for (uint32_t i = 0; i < n; i += 4) {
        f32x4 four = exp4((load4(logits + i) - largest) * inverse);
        for (uint32_t j = 0; j < 4; j++)
            if (i + j >= n || is_rejected(rejected, i + j)) four[j] = 0;
        store4(weights + i, four);
        sum = sum + four;
    }
    return sum4(sum);
}

/* All tokens that are not rejected, in a heap by weight; returns how many. */
static uint32_t heap_up(struct sampler *s, uint32_t n, const struct rejected *rejected) {
    uint32_t size = 0;
    for (uint32_t token = 0; token < n; token++)
        if (!is_rejected(rejected, token)) s->heap[size++] = token;
    for (uint32_t i = size / 2; i-- > 0;) sift_down(s->weights, s->heap, size, i);
    return size;
}

/* Takes the heaviest token off a heap of `size`. It goes to the heap's end, so that what was taken lies behind what is
 * left in reverse order. */
static uint32_t take_heaviest(struct sampler *s, uint32_t size) {
    uint32_t top = s->heap[0];
    s->heap[0] = s->heap[size - 1];
    s->heap[size - 1] = top;
    sift_down(s->weights, s->heap, size - 1, 0);
    return top;
}

/* The token where the weights, in order, add up to more than `target`; they are sorted only as far. */
static uint32_t draw_from_all(struct sampler *s, uint32_t size, float target) {
    uint32_t token;
    float sum = 0;
    do {
        token = take_heaviest(s, size--);
        sum += s->weights[token];
    } while (size && !(sum > target));
    return token;
}

/* The same among the `most` heaviest tokens, of them only as many as add up to `limit`; `random` is in [0, 1). */
static uint32_t draw_from_heaviest(struct sampler *s, uint32_t size, uint32_t most, float limit, float random) {
    uint32_t taken = 0, i = 0;
    float kept = 0, sum = 0;
    while (taken < most && !(taken && kept >= limit)) kept += s->weights[take_heaviest(s, size - taken++)];
    float target = random * kept;
    do sum += s->weights[s->heap[size - ++i]];
    while (i < taken && !(sum > target));
    return s->heap[size - i];
}

static uint32_t draw(struct sampler *s, const float *logits, uint32_t n, const struct options *options,
                     const struct rejected *rejected, float random) {
    float total = probabilities(s->weights, logits, n, options->temperature, rejected);
    uint32_t size = heap_up(s, n, rejected);
    bool by_k = options->top_k > 0 && options->top_k < size, by_p = options->top_p > 0 && options->top_p < 100;
    if (!by_k && !by_p) return draw_from_all(s, size, random * total);
    float limit = by_p ? total * ((float)options->top_p / 100.0f) : __builtin_inff();
    return draw_from_heaviest(s, size, by_k ? options->top_k : size, limit, random);
}

uint32_t sample(struct sampler *s, const uint32_t *tokens, uint32_t n, uint64_t hash, const struct options *options,
                const struct rejected *rejected, uint32_t *budget) {
    uint64_t key = key_of(hash, options, rejected);
    struct remembered_token *remembered = place_of(s, key);
    if (remembered->token != NO_TOKEN && remembered->key == key) return remembered->token;
    const float *logits = transformer_logits(s->transformer, tokens, n, budget);
    if (!logits) return NO_TOKEN;
    uint32_t vocab_size = s->transformer->model.header.vocab_size, token;
    if (rejected->n >= vocab_size) return NO_TOKEN;
    if (options->temperature == 0) {
        token = most_likely(logits, vocab_size, rejected);
    } else {
        float random = (float)(splitmix64(key) >> 40) * 0x1p-24f;
        token = draw(s, logits, vocab_size, options, rejected, random);
    }
    *remembered = (struct remembered_token){key, token};
    return token;
}
