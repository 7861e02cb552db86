/* Text to tokens and back: sentencepiece's BPE with byte fallback (Sennrich et al. 2016; Kudo and Richardson 2018), or
 * byte-level BPE (Radford et al. 2019), as the vocabulary is. */
#ifndef TOKENIZER_H
#define TOKENIZER_H

#include "model_table.h"

/* Encodes `n` code points; what is no Unicode scalar value counts as U+FFFD. Writes at most 4 * n + 1 tokens, and where
 * each begins, an index of a code point; returns how many, 0 also when memory runs out. */
uint32_t tokenizer_encode(const struct model *model, const uint32_t *codepoints, uint32_t n, bool at_start,
                          uint32_t *tokens, uint32_t *starts);

/* The bytes that a token stands for: none for a control token, U+FFFD for the unknown one. At most 255. */
uint32_t tokenizer_decode(const struct model *model, uint32_t token, uint8_t bytes[255]);

/* The two ways of tokenizer_encode().
 *
 * sentencepiece's and llama2.c's: begin with one symbol per code point, and while some pair of neighbours is a piece of
 * the vocabulary, merge the pair of the highest score, the leftmost of equals. At the start of a text, a vocabulary with
 * a dummy prefix puts a space before it; one that removes extra white space takes a run of spaces for one, and none at
 * the start. U+2581 counts as a space.
 *
 * Byte-level: split the text, begin each split with one symbol per byte, and merge by the vocabulary's list of merges,
 * the first of the list first, of equals the leftmost. */
uint32_t sentencepiece_encode(const struct model *model, const uint32_t *codepoints, uint32_t n, bool at_start,
                              uint32_t *tokens, uint32_t *starts);
uint32_t byte_level_encode(const struct model *model, const uint32_t *codepoints, uint32_t n, uint32_t *tokens,
                           uint32_t *starts);

/* The normal, unused or user-defined piece of these bytes, the first of equals, or NO_TOKEN. */
uint32_t find_piece(const struct model *model, const uint8_t *bytes, uint32_t length);

/* The longest user-defined piece that these bytes begin with, or NO_TOKEN. Text is taken for such pieces from left to
 * right, before anything is split or merged, and they merge with nothing. */
uint32_t find_user_defined(const struct model *model, const uint8_t *bytes, uint32_t length);

#endif
