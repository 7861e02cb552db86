/* The model as it lies in the font's own table: checked once, then pointed into, never copied.
 *
 * The layout is described in fontgen/llama/tables/layout.py, which also writes font_tables.h. */
#ifndef MODEL_TABLE_H
#define MODEL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "font_tables.h"

/* `rows` outputs of `columns` inputs. A unit is the four bytes of a row that stand side by side: 4 columns of 8 bits or
 * 8 columns of 4 bits. */
struct matrix {
    uint32_t rows, columns, bits;
    uint32_t units;              /* of a row */
    uint32_t group_units;        /* that share a group scale; at 8 bits all */
    uint32_t groups;             /* of a row */
    const float *scales;         /* [rows, rounded up to 16] */
    const uint8_t *group_scales; /* [rows / 16][groups][16]; NULL at 8 bits */
    const uint8_t *weights;      /* [rows / 16][units][16][4] */
};

/* Of a byte-level vocabulary: two neighbours, how early they merge, and what they make. */
struct merge_rule {
    uint32_t left, right, rank, made;
};

struct layer {
    const float *attention_norm, *ffn_norm;
    struct matrix wq, wk, wv, wo, w1, w2, w3;
};

struct model {
    struct model_header header;
    uint32_t head_size;
    const uint32_t *piece_offsets;
    const uint8_t *piece_bytes;
    const float *piece_scores;
    const uint8_t *piece_kinds;
    uint32_t longest_user_defined; /* bytes; 0: no piece is */
    const uint32_t *piece_order;
    const uint32_t *byte_tokens;
    const struct merge_rule *merges; /* [n_merges], sorted by left, then right */
    const uint32_t *character_classes; /* [n_character_classes]: first << 2 | CLASS_..., ascending */
    const uint32_t *stop_tokens;
    const float *rope; /* [context_length][head_size / 2][2] */
    const float *final_norm;
    struct matrix embedding, classifier;
    struct layer *layers;
};

/* Points `model` into the table, which must stay where it is and begin at a multiple of 16. False when the table
 * is cut, damaged or contradicts itself: no later read through `model` leaves the table. */
bool model_open(struct model *model, const uint8_t *table, uint32_t length);

/* Whether a token ends what the model writes: BOS, EOS, or another one that the vocabulary says. */
bool model_ends_with(const struct model *model, uint32_t token);

/* Bytes of a vocabulary's entry, at most 255. */
static inline const uint8_t *model_piece(const struct model *model, uint32_t token, uint32_t *length) {
    *length = model->piece_offsets[token + 1] - model->piece_offsets[token];
    return model->piece_bytes + model->piece_offsets[token];
}

#endif
