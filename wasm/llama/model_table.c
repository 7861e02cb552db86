#include "model_table.h"

#include "memory.h"
#include "table.h"

_Static_assert((uint64_t)LARGEST_VOCABULARY * LARGEST_DIMENSION < 1ull << 40, "no product below overflows 64 bits");

static bool within(uint32_t value, uint32_t least, uint32_t most) { return value >= least && value <= most; }

static bool precision_makes_sense(const struct model_header *h) {
    if ((h->bits != 8 && h->bits != 4) || (h->embedding_bits != 8 && h->embedding_bits != 4)) return false;
    bool grouped = h->bits == 4 || h->embedding_bits == 4;
    return !grouped || (within(h->group_size, 8, LARGEST_DIMENSION) && h->group_size % 8 == 0);
}

static bool header_makes_sense(const struct model_header *h) {
    return within(h->dim, 2, LARGEST_DIMENSION) && within(h->hidden_dim, 1, LARGEST_DIMENSION) &&
           within(h->n_layers, 1, LARGEST_N_LAYERS) && within(h->n_heads, 1, h->dim) &&
           within(h->n_kv_heads, 1, h->n_heads) && within(h->vocab_size, 1, LARGEST_VOCABULARY) &&
           within(h->context_length, 1, LARGEST_CONTEXT) && h->dim % h->n_heads == 0 &&
           precision_makes_sense(h) && (h->kv_cache_bits == 16 || h->kv_cache_bits == 32) &&
           h->n_heads % h->n_kv_heads == 0 && h->dim / h->n_heads % 2 == 0 && h->bos_token < h->vocab_size &&
           (h->eos_token < h->vocab_size || h->eos_token == NO_TOKEN) &&
           (h->unk_token < h->vocab_size || h->unk_token == NO_TOKEN) && h->n_ordered_pieces <= h->vocab_size &&
           h->pre_tokenizer <= PRE_QWEN2 &&
           (h->n_rope_factors == 0 || h->n_rope_factors == h->dim / h->n_heads / 2 + 1);
}

/* Hands out the table's sections in order; once one does not fit, it hands out NULL for ever. */
struct reader {
    const uint8_t *table;
    uint64_t offset, length;
    bool failed;
};

static const void *take(struct reader *reader, uint64_t bytes) {
    uint64_t start = (reader->offset + TABLE_ALIGNMENT - 1) / TABLE_ALIGNMENT * TABLE_ALIGNMENT;
    reader->offset = start + bytes;
    if (reader->offset > reader->length) reader->failed = true;
    return reader->failed ? NULL : reader->table + start;
}

static struct matrix take_matrix(struct reader *reader, uint32_t rows, uint32_t columns, uint32_t bits,
                                 uint32_t group_size) {
    uint64_t padded_rows = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS * BLOCK_ROWS;
    uint32_t unit_columns = 8 * UNIT_BYTES / bits;
    struct matrix matrix = {.rows = rows, .columns = columns, .bits = bits};
    matrix.units = (columns + unit_columns - 1) / unit_columns;
    matrix.group_units = bits == 8 ? matrix.units : group_size / unit_columns;
    matrix.groups = (matrix.units + matrix.group_units - 1) / matrix.group_units;
    matrix.scales = take(reader, padded_rows * sizeof(float));
    if (bits == 4) matrix.group_scales = take(reader, padded_rows * matrix.groups);
    matrix.weights = take(reader, padded_rows * matrix.units * UNIT_BYTES);
    return matrix;
}

/* The tokenizer may then trust every offset and token that it reads. */
static bool vocabulary_makes_sense(const struct model *model) {
    const struct model_header *h = &model->header;
    if (model->piece_offsets[0] != 0 || model->piece_offsets[h->vocab_size] != h->pieces_size) return false;
    for (uint32_t token = 0; token < h->vocab_size; token++) {
        uint32_t start = model->piece_offsets[token], end = model->piece_offsets[token + 1];
        if (start > end || end - start > 255) return false;
    }
    for (uint32_t i = 0; i < h->n_ordered_pieces; i++)
        if (model->piece_order[i] >= h->vocab_size) return false;
    for (uint32_t byte = 0; byte < 256; byte++)
        if (model->byte_tokens[byte] >= h->vocab_size && model->byte_tokens[byte] != NO_TOKEN) return false;
    for (uint32_t i = 0; i < h->n_merges; i++)
        if (model->merges[i].made >= h->vocab_size) return false;
    return true;
}

static uint32_t longest_user_defined(const struct model *model) {
    uint32_t longest = 0, length;
    for (uint32_t token = 0; token < model->header.vocab_size; token++) {
        if (model->piece_kinds[token] != PIECE_USER_DEFINED) continue;
        model_piece(model, token, &length);
        if (length > longest) longest = length;
    }
    return longest;
}

bool model_open(struct model *model, const uint8_t *table, uint32_t length) {
    struct model_header *h = &model->header;
    if (table_version(table, length, MODEL_TAG) != MODEL_VERSION || length < sizeof *h) return false;
    memcpy(h, table, sizeof *h);
    if (!header_makes_sense(h)) return false;

    uint32_t dim = h->dim, kv_dim;
    model->head_size = dim / h->n_heads;
    kv_dim = model->head_size * h->n_kv_heads;

    struct reader reader = {.table = table, .offset = sizeof *h, .length = length};
    model->piece_offsets = take(&reader, ((uint64_t)h->vocab_size + 1) * sizeof(uint32_t));
    model->piece_bytes = take(&reader, h->pieces_size);
    model->piece_scores = take(&reader, (uint64_t)h->vocab_size * sizeof(float));
    model->piece_kinds = take(&reader, h->vocab_size);
    model->piece_order = take(&reader, (uint64_t)h->n_ordered_pieces * sizeof(uint32_t));
    model->byte_tokens = take(&reader, 256 * sizeof(uint32_t));
    model->merges = take(&reader, (uint64_t)h->n_merges * sizeof *model->merges);
    model->character_classes = take(&reader, (uint64_t)h->n_character_classes * sizeof(uint32_t));
    model->stop_tokens = take(&reader, (uint64_t)h->n_stop_tokens * sizeof(uint32_t));
    take(&reader, h->card_size);
    model->rope = take(&reader, (uint64_t)h->context_length * model->head_size * sizeof(float));
    take(&reader, (uint64_t)h->n_rope_factors * sizeof(float));
    const float *norms = take(&reader, (2 * (uint64_t)h->n_layers + 1) * dim * sizeof(float));
    if (reader.failed || !vocabulary_makes_sense(model)) return false;

    model->longest_user_defined = longest_user_defined(model);
    model->layers = allocate(h->n_layers, sizeof *model->layers);
    if (!model->layers) return false;
    model->embedding = take_matrix(&reader, h->vocab_size, dim, h->embedding_bits, h->group_size);
    for (uint32_t i = 0; i < h->n_layers; i++) {
        struct layer *layer = &model->layers[i];
        layer->attention_norm = norms + (2 * i) * dim;
        layer->ffn_norm = norms + (2 * i + 1) * dim;
        layer->wq = take_matrix(&reader, dim, dim, h->bits, h->group_size);
        layer->wk = take_matrix(&reader, kv_dim, dim, h->bits, h->group_size);
        layer->wv = take_matrix(&reader, kv_dim, dim, h->bits, h->group_size);
        layer->wo = take_matrix(&reader, dim, dim, h->bits, h->group_size);
        layer->w1 = take_matrix(&reader, h->hidden_dim, dim, h->bits, h->group_size);
        layer->w2 = take_matrix(&reader, dim, h->hidden_dim, h->bits, h->group_size);
        layer->w3 = take_matrix(&reader, h->hidden_dim, dim, h->bits, h->group_size);
    }
    model->final_norm = norms + 2 * h->n_layers * dim;
    model->classifier = model->embedding;
    if (!(h->flags & FLAG_TIED_EMBEDDINGS))
        model->classifier = take_matrix(&reader, h->vocab_size, dim, h->embedding_bits, h->group_size);
    return !reader.failed && reader.offset == reader.length;
}

bool model_ends_with(const struct model *model, uint32_t token) {
    bool ends = token == model->header.bos_token || token == model->header.eos_token;
    for (uint32_t i = 0; i < model->header.n_stop_tokens; i++) ends |= token == model->stop_tokens[i];
    return ends;
}
