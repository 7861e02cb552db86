/* From the typed text to the visible text: every long run of exclamation marks becomes a continuation. */
#ifndef CONTINUATION_H
#define CONTINUATION_H

#include "sampler.h"
#include "text.h"

/* Length of the run at the beginning of the text: more than `kept_marks` exclamation marks, then those and question
 * marks. 0: there is none. */
uint32_t run_length(const struct glyph_info *info, uint32_t n, uint32_t kept_marks);

/* Whether there is a run anywhere in the text. */
bool has_run(const struct glyph_info *info, uint32_t n, uint32_t kept_marks);

/* Appends what `n` typed code points show. In a run the first `kept_marks` exclamation marks show nothing, and each
 * further one shows one token, under its own cluster. A question mark shows nothing and rejects the token before it for
 * the next in line. The features say how tokens are chosen. At most `budget` positions are computed; what is left then
 * shows as an ellipsis. */
void continue_text(struct text *visible, struct sampler *sampler, const struct glyph_info *info, uint32_t n,
                   uint32_t kept_marks, const struct feature *features, uint32_t n_features, uint32_t budget);

#endif
