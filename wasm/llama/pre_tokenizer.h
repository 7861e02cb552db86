/* How byte-level vocabularies split a text before they merge it, by the regular expressions of the models that people
 * use, as llama.cpp names them. No merge crosses a split. */
#ifndef PRE_TOKENIZER_H
#define PRE_TOKENIZER_H

#include "model_table.h"

/* Writes the class of each code point, CLASS_LETTER and so on. */
void classify_characters(const struct model *model, const uint32_t *codepoints, uint32_t n, uint8_t *classes);

/* Where the split that begins at `i` ends, at most `n`. */
uint32_t split_end(uint32_t pre_tokenizer, const uint32_t *codepoints, const uint8_t *classes, uint32_t i, uint32_t n);

#endif
