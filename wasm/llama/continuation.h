/* From the typed text to the visible text: every long run of exclamation marks becomes a continuation. */
#ifndef CONTINUATION_H
#define CONTINUATION_H

#include "context.h"

/* Length of the run at the beginning of the text: more than `kept_marks` exclamation marks, then those and question
 * marks. 0: there is none. */
uint32_t run_length(const struct glyph_info *info, uint32_t n, uint32_t kept_marks);

/* Whether there is a run anywhere in the text. */
bool has_run(const struct glyph_info *info, uint32_t n, uint32_t kept_marks);

/* Appends what `n` typed code points show. In a run the first `kept_marks` exclamation marks show nothing, and each
 * further one shows one token, under its own cluster. A question mark shows nothing and rejects the token before it for
 * the next in line. What a spent budget leaves shows as an ellipsis. The trace gets every token. */
void continue_text(struct text *visible, struct trace *trace, struct sampler *sampler, const struct glyph_info *info,
                   uint32_t n, const struct request *request);

/* The token after `n` tokens, as options have it, so many times rejected for the next in line; NO_TOKEN when the budget
 * ran out. `hash` is that of the tokens. */
uint32_t choose_token(struct sampler *sampler, const uint32_t *tokens, uint32_t n, uint64_t hash,
                      const struct options *options, uint32_t rejections, uint32_t *budget);

#endif
