#include "sampler.h"

#include "inlining.h"
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

bool sampler_open(struct sampler *sampler, struct transformer *transformer, const struct settings *settings) {
    uint64_t vocab_size = transformer->model.header.vocab_size;
    sampler->transformer = transformer;
    sampler->settings = settings;
    sampler->excluded = allocate(vocab_size + 4, sizeof *sampler->excluded);
    sampler->weights = allocate(vocab_size + 4, sizeof *sampler->weights);
    sampler->candidates = allocate(vocab_size, sizeof *sampler->candidates);
    sampler->order = allocate(vocab_size, sizeof *sampler->order);
    sampler->remembered = allocate(N_REMEMBERED, sizeof *sampler->remembered);
    for (uint32_t i = 0; sampler->remembered && i < N_REMEMBERED; i++) sampler->remembered[i].token = NO_TOKEN;
    return sampler->excluded && sampler->weights && sampler->candidates && sampler->order && sampler->remembered;
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

bool ends_run(const struct sampler *s, uint32_t token) {
    return model_ends_with(&s->transformer->model, token) || settings_stop_at(s->settings, token);
}

/* ---- What may not be taken ---- */

/* Excludes what would complete a sequence of `no_repeat` tokens that the context has already, but for tokens that end
 * the story (Paulus et al. 2017, arXiv:1705.04304, section 2.5). */
static NEVER_INLINE void exclude_repeats(struct sampler *s, const uint32_t *tokens, uint32_t n) {
    uint32_t length = s->settings->header.no_repeat, begun = length - 1;
    if (!length || n < length) return;
    for (uint32_t i = 0; i + length <= n; i++) {
        uint32_t last = tokens[i + begun];
        if (begun && tokens[i + begun - 1] != tokens[n - 1]) continue;
        if (memcmp(tokens + i, tokens + n - begun, begun * sizeof *tokens) != 0) continue;
        if (!ends_run(s, last)) s->excluded[last] = true;
    }
}

static void exclude(struct sampler *s, const uint32_t *tokens, uint32_t n, const struct rejected *rejected) {
    uint32_t vocab_size = s->transformer->model.header.vocab_size;
    memset(s->excluded, false, vocab_size);
    memset(s->excluded + vocab_size, true, 4); /* padding, which vectors of four reach into */
    exclude_repeats(s, tokens, n);
    for (uint32_t i = 0; i < rejected->n; i++) s->excluded[rejected->tokens[i]] = true;
}

/* NO_TOKEN: all are excluded. */
static NEVER_INLINE uint32_t most_likely(const struct sampler *s, const float *logits) {
    uint32_t best = NO_TOKEN, n = s->transformer->model.header.vocab_size;
    for (uint32_t token = 0; token < n; token++)
        if ((best == NO_TOKEN || logits[token] > logits[best]) && !s->excluded[token]) best = token;
    return best;
}

/* ---- Drawing ---- */

/* What is less likely than e to this power of the most likely token is never drawn, which spares most of a vocabulary
 * the exponential and the sorting. */
#define LEAST_EXPONENT -17.25f

/* Makes candidates of all tokens that can be drawn: weights[token] = e^((logit - largest) / temperature). Returns their
 * number, and their sum in `total`. */
static uint32_t weigh(struct sampler *s, const float *logits, float largest, uint32_t temperature, float *total) {
    uint32_t n = s->transformer->model.header.vocab_size, n_candidates = 0;
    float inverse = 100.0f / (float)temperature;
    f32x4 sum = splat4(0);
    for (uint32_t i = 0; i < n; i += 4) {
        f32x4 exponents = (load4(logits + i) - largest) * inverse;
        i32x4 drawable = exponents >= LEAST_EXPONENT;
        if (!(drawable[0] | drawable[1] | drawable[2] | drawable[3])) continue;
        for (uint32_t j = 0; j < 4; j++)
            if (s->excluded[i + j]) drawable[j] = 0;
        f32x4 weights = select4(drawable, exp4(exponents), splat4(0));
        store4(s->weights + i, weights);
        sum = sum + weights;
        for (uint32_t j = 0; j < 4; j++)
            if (drawable[j]) s->candidates[n_candidates++] = i + j;
    }
    *total = sum4(sum);
    return n_candidates;
}

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

/* Candidates in order of weight, as far as they are asked for. */
struct ranking {
    const float *weights;
    uint32_t *heap, heap_size; /* those to be taken next */
    uint32_t *lighter, n_lighter; /* than all of the heap */
    uint32_t *order, n;        /* those taken */
    float sum;                 /* of their weights, added up in this order */
};

static void heapify(struct ranking *r) {
    for (uint32_t i = r->heap_size / 2; i-- > 0;) sift_down(r->weights, r->heap, r->heap_size, i);
}

/* Ranks candidates whose weights add up to `total`. Those that will hardly be needed to reach `limit` stay out of the
 * heap: all lighter than a share of what is beyond it, they cannot add up to more. */
static struct ranking rank(struct sampler *s, uint32_t n_candidates, float total, float limit) {
    struct ranking r = {.weights = s->weights, .heap = s->candidates, .order = s->order};
    float least = (total - limit) / (float)n_candidates;
    for (uint32_t i = 0; i < n_candidates; i++) {
        uint32_t token = r.heap[i];
        if (s->weights[token] < least) continue;
        r.heap[i] = r.heap[r.heap_size];
        r.heap[r.heap_size++] = token;
    }
    r.lighter = r.heap + r.heap_size;
    r.n_lighter = n_candidates - r.heap_size;
    heapify(&r);
    return r;
}

/* Takes the heaviest candidate that is left; false: none is. */
static bool take_heaviest(struct ranking *r) {
    if (!r->heap_size) {
        r->heap = r->lighter;
        r->heap_size = r->n_lighter;
        r->n_lighter = 0;
        heapify(r);
    }
    if (!r->heap_size) return false;
    uint32_t token = r->heap[0];
    r->heap[0] = r->heap[--r->heap_size];
    sift_down(r->weights, r->heap, r->heap_size, 0);
    r->order[r->n++] = token;
    r->sum += r->weights[token];
    return true;
}

/* What top_k and top_p leave of `n` candidates: so many at most, and no more than add up to `limit`. */
struct restriction {
    bool by_k, by_p;
    uint32_t most;
    float limit;
};

static struct restriction restriction_of(const struct options *options, uint32_t n, float total) {
    struct restriction restriction = {.most = n, .limit = total};
    restriction.by_k = options->top_k > 0 && options->top_k < n;
    restriction.by_p = options->top_p > 0 && options->top_p < 100;
    if (restriction.by_k) restriction.most = options->top_k;
    if (restriction.by_p) restriction.limit = total * ((float)options->top_p / 100.0f);
    return restriction;
}

static void take_restricted(struct ranking *r, const struct restriction *restriction) {
    while (r->n < restriction->most && !(restriction->by_p && r->n && r->sum >= restriction->limit))
        if (!take_heaviest(r)) return;
}

/* Draws a candidate; `random` is in [0, 1). */
static NEVER_INLINE uint32_t draw(struct sampler *s, const float *logits, uint32_t best,
                                  const struct options *options, float random) {
    float total, sum = 0;
    uint32_t n = weigh(s, logits, logits[best], options->temperature, &total), i = 0;
    if (!n) return best; /* its logit is no number */
    struct restriction restriction = restriction_of(options, n, total);
    if (!restriction.by_k && !restriction.by_p) {
        float target = random * total;
        struct ranking all = rank(s, n, total, target);
        while (take_heaviest(&all) && !(all.sum > target)) continue;
        return all.order[all.n - 1];
    }
    struct ranking kept = rank(s, n, total, restriction.limit);
    take_restricted(&kept, &restriction);
    do sum += s->weights[kept.order[i++]];
    while (i < kept.n && !(sum > random * kept.sum));
    return kept.order[i - 1];
}

uint32_t sample(struct sampler *s, const uint32_t *tokens, uint32_t n, uint64_t hash, const struct options *options,
                const struct rejected *rejected, uint32_t *budget) {
    uint64_t key = key_of(hash, options, rejected);
    struct remembered_token *remembered = place_of(s, key);
    if (remembered->token != NO_TOKEN && remembered->key == key) return remembered->token;
    const float *logits = transformer_logits(s->transformer, tokens, n, budget);
    if (!logits) return NO_TOKEN;
    exclude(s, tokens, n, rejected);
    uint32_t token = most_likely(s, logits);
    if (token == NO_TOKEN) return s->transformer->model.header.bos_token; /* nothing is left to say */
    if (options->temperature) {
        float random = (float)(splitmix64(key) >> 40) * 0x1p-24f;
        token = draw(s, logits, token, options, random);
    }
    *remembered = (struct remembered_token){key, token};
    return token;
}

/* ---- Explaining ---- */

/* Where a token stands among all by its logit, from 1. */
static uint32_t rank_of(const struct sampler *s, const float *logits, uint32_t token) {
    uint32_t above = 0, n = s->transformer->model.header.vocab_size;
    for (uint32_t other = 0; other < n; other++)
        above += logits[other] > logits[token] || (logits[other] == logits[token] && other < token);
    return above + 1;
}

bool explain_choice(struct sampler *s, struct choices *choices, const uint32_t *tokens, uint32_t n,
                    const struct options *options, uint32_t token, uint32_t most) {
    const struct rejected nothing = {.n = 0};
    uint32_t unlimited = ~0u;
    const float *logits = transformer_logits(s->transformer, tokens, n, &unlimited);
    if (!logits) return false;
    exclude(s, tokens, n, &nothing);
    uint32_t best = most_likely(s, logits);
    if (best == NO_TOKEN) return false;
    struct options drawn_with = options->temperature ? *options : (struct options){.temperature = 100};
    float total;
    uint32_t n_candidates = weigh(s, logits, logits[best], drawn_with.temperature, &total);
    if (!n_candidates) return false;
    struct restriction restriction = restriction_of(&drawn_with, n_candidates, total);
    struct ranking r = rank(s, n_candidates, total, total);
    *choices = (struct choices){.header.rank = rank_of(s, logits, token)};
    if (restriction.by_k || restriction.by_p) {
        take_restricted(&r, &restriction);
        total = r.sum;
        choices->header.kept = r.n;
    } else {
        while (take_heaviest(&r)) continue;
        choices->header.kept = n_candidates;
    }
    for (uint32_t i = 0; i < choices->header.kept; i++) {
        float probability = s->weights[r.order[i]] / total;
        if (r.order[i] == token) choices->header.probability = probability;
        if (i < most && i < MOST_CHOICES)
            choices->choices[choices->header.n++] = (struct choice){r.order[i], probability};
    }
    return true;
}
