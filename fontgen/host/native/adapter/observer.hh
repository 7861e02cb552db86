/* What became of a text: who shaped it, why not the guest, and which text the guest had shaped.
 *
 * For fontgen's own commands and for tests; programs know nothing of it.  libharfbuzz.so.0 exports
 * the functions below beside HarfBuzz's.  A thread that has no observer pays nothing for it. */
#ifndef FONTGEN_OBSERVER_HH
#define FONTGEN_OBSERVER_HH

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#define FONTGEN_EXPORT __declspec (dllexport)
#else
#define FONTGEN_EXPORT __attribute__ ((visibility ("default")))
#endif

struct hb_buffer_t;
typedef struct fontgen_observer fontgen_observer_t;

extern "C" {

/* Null where there is no memory. */
FONTGEN_EXPORT fontgen_observer_t *fontgen_observer_create (void);
FONTGEN_EXPORT void fontgen_observer_destroy (fontgen_observer_t *observer);

/* From now on the observer, emptied, learns of the last text that this thread shapes with a Wasm
 * font; null ends that. */
FONTGEN_EXPORT void fontgen_observe (fontgen_observer_t *observer);

/* 0: no Wasm font was asked to shape, 1: the guest shaped, 2: OpenType did in its place. */
FONTGEN_EXPORT int fontgen_observed_shaper (const fontgen_observer_t *observer);

/* Why OpenType did, in a line; "" where it did not.  Where no guest was asked, that may be because
 * its table was refused for good before this: see fontgen_observed_refusal(). */
FONTGEN_EXPORT const char *fontgen_observed_reason (const fontgen_observer_t *observer);

/* The last line that the instance's guest passed to debugprint(), in this call or an earlier one. */
FONTGEN_EXPORT const char *fontgen_observed_message (const fontgen_observer_t *observer);

/* The Unicode text that the guest had shaped by shape_with(): characters and their clusters, in the
 * order of the buffer.  Returns their number; -1 where it made its glyphs by itself, or did not shape. */
FONTGEN_EXPORT int fontgen_observed_text (const fontgen_observer_t *observer, const uint32_t **characters,
					  const uint32_t **clusters);

/* 0: the guest says, by shape_finished(), that it showed a part only, and that shaping the text again shows more. */
FONTGEN_EXPORT int fontgen_observed_finished (const fontgen_observer_t *observer);

/* Why this process never runs that Wasm table, in a line; "" where it does, or has not met it. */
FONTGEN_EXPORT const char *fontgen_observed_refusal (const void *wasm_table, size_t bytes);

}

namespace fontgen {

/* Says why OpenType will shape the running text.  The last word counts. */
void explain (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
const char *explanation ();

/* The guest has HarfBuzz shape this buffer. */
void observe_text (hb_buffer_t *buffer);

/* Whether anybody observes this thread. */
bool is_observed ();

/* What the guest says of itself. */
void observe_finished (bool finished);

/* A shaping call is over. */
void observe_result (bool by_guest, const char *message);

/* That table will not run in this process, or none will where `table` is null. */
void remember_refusal (const void *table, size_t bytes, const char *reason);

} /* namespace fontgen */

#endif
