/* The model as it lies in the font's own table: checked once, then pointed into, never copied.
 *
 * The layout is described in fontgen/table.py, which also writes font_tables.h. */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "font_tables.h"

/* `rows` outputs of `columns` inputs; weights in blocks of 16 rows by 4 columns. */
struct matrix {
    uint32_t rows, columns;
    uint32_t quads;         /* of columns, rounded up */
    const float *scales;    /* [rows, rounded up to 16] */
    const uint8_t *weights; /* [rows / 16][quads][16][4] */
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
    const uint32_t *piece_order;
    const uint32_t *byte_tokens;
    const float *rope; /* [context_length][head_size / 2][2] */
    const float *final_norm;
    struct matrix embedding, classifier;
    struct layer *layers;
};

/* Whether magic, version, length and checksum of one of the font's own tables are right. `header_size` is the
 * size of its header struct. */
bool table_is_intact(const void *table, uint32_t length, uint32_t tag, uint32_t header_size);

/* Points `model` into the table, which must stay where it is and begin at a multiple of 16. False when the table
 * is cut, damaged or contradicts itself: no later read through `model` leaves the table. */
bool model_open(struct model *model, const uint8_t *table, uint32_t length);

#endif
