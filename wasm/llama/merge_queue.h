/* What both kinds of BPE merge with: a run of symbols in a doubly linked list, and a heap of the merges that could be
 * made, the best first. */
#ifndef MERGE_QUEUE_H
#define MERGE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#define NONE 0xFFFFFFFFu

/* A part of the text that is one piece so far. */
struct symbol {
    uint32_t start, length; /* bytes of the text; length 0: merged into the one before it */
    uint32_t codepoint;     /* index of its first one in what was typed */
    uint32_t previous, next;
    uint32_t token;         /* in a byte-level vocabulary; in sentencepiece's of a user-defined piece, which merges not */
};

/* Two neighbours that could become one; out of date once either has changed, which `length` shows. */
struct merge {
    float score;
    uint32_t left, length;
    uint32_t made; /* the token, in a byte-level vocabulary; NO_TOKEN in sentencepiece's */
};

/* Room for three merges for each symbol: a merge adds at most two to those that the text begins with. */
struct merge_queue {
    struct merge *heap;
    uint32_t n;
};

static inline bool merges_before(const struct merge *a, const struct merge *b) {
    return a->score > b->score || (a->score == b->score && a->left < b->left);
}

static inline void push_merge(struct merge_queue *queue, struct merge merge) {
    uint32_t i = queue->n++;
    for (; i && merges_before(&merge, &queue->heap[(i - 1) / 2]); i = (i - 1) / 2)
        queue->heap[i] = queue->heap[(i - 1) / 2];
    queue->heap[i] = merge;
}

static inline struct merge pop_merge(struct merge_queue *queue) {
    struct merge best = queue->heap[0], last = queue->heap[--queue->n];
    uint32_t i = 0, child;
    for (; (child = 2 * i + 1) < queue->n; i = child) {
        if (child + 1 < queue->n && merges_before(&queue->heap[child + 1], &queue->heap[child])) child++;
        if (!merges_before(&queue->heap[child], &last)) break;
        queue->heap[i] = queue->heap[child];
    }
    queue->heap[i] = last;
    return best;
}

/* Makes a merge, unless it is out of date; returns the symbol that it makes, or NONE. */
static inline uint32_t make_merge(struct symbol *symbols, const struct merge *merge) {
    struct symbol *left = &symbols[merge->left];
    if (left->length == 0 || left->next == NONE) return NONE;
    struct symbol *right = &symbols[left->next];
    if (left->length + right->length != merge->length) return NONE;
    left->length = merge->length;
    left->token = merge->made;
    right->length = 0;
    left->next = right->next;
    if (left->next != NONE) symbols[left->next].previous = merge->left;
    return merge->left;
}

#endif
