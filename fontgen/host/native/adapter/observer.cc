#include "hb.h"

#include "observer.hh"
#include "sha256.hh"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 256 };

struct fontgen_observer {
  int shaper;
  bool finished;
  char reason[LINE], message[LINE];
  bool has_text;
  uint32_t *characters, *clusters;
  unsigned n_characters, room;
};

namespace fontgen {

static __thread fontgen_observer *observer;
static __thread char last_explanation[LINE];

void explain (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (last_explanation, sizeof last_explanation, format, arguments);
  va_end (arguments);
}

const char *explanation () { return last_explanation; }

static bool make_room (fontgen_observer *o, unsigned n)
{
  if (n <= o->room) return true;
  uint32_t *characters = (uint32_t *) realloc (o->characters, n * sizeof *characters);
  if (characters) o->characters = characters;
  uint32_t *clusters = (uint32_t *) realloc (o->clusters, n * sizeof *clusters);
  if (clusters) o->clusters = clusters;
  if (!characters || !clusters) return false;
  o->room = n;
  return true;
}

void observe_text (hb_buffer_t *buffer)
{
  fontgen_observer *o = observer;
  if (!o || hb_buffer_get_content_type (buffer) != HB_BUFFER_CONTENT_TYPE_UNICODE) return;
  unsigned n;
  const hb_glyph_info_t *info = hb_buffer_get_glyph_infos (buffer, &n);
  o->has_text = make_room (o, n);
  if (!o->has_text) return;
  o->n_characters = n;
  for (unsigned i = 0; i < n; i++)
  {
    o->characters[i] = info[i].codepoint;
    o->clusters[i] = info[i].cluster;
  }
}

bool is_observed () { return observer; }

void observe_finished (bool finished) { observer->finished = finished; }

void observe_result (bool by_guest, const char *message)
{
  fontgen_observer *o = observer;
  if (!o) return;
  o->shaper = by_guest ? 1 : 2;
  if (!by_guest) o->has_text = false;
  if (!by_guest) o->finished = true;
  snprintf (o->reason, sizeof o->reason, "%s", by_guest ? "" : last_explanation);
  snprintf (o->message, sizeof o->message, "%s", message);
}

/* Tables that did not load, by their SHA-256; the oldest give way. */
enum { MOST_REFUSALS = 16 };
static struct { char sha256[65], reason[LINE]; } refusals[MOST_REFUSALS];
static unsigned next_refusal;
static char refusal_of_all[LINE];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void hash (const void *table, size_t bytes, char hex[65])
{
  sha256_t digest;
  digest.add (table, bytes);
  digest.finish (hex);
}

/* The entry of that hash, or MOST_REFUSALS; under the mutex. */
static unsigned find_refusal (const char hex[65])
{
  unsigned i = 0;
  while (i < MOST_REFUSALS && strcmp (refusals[i].sha256, hex)) i++;
  return i;
}

void remember_refusal (const void *table, size_t bytes, const char *reason)
{
  explain ("%s", reason);
  char hex[65];
  if (table) hash (table, bytes, hex);
  pthread_mutex_lock (&mutex);
  if (table)
  {
    unsigned i = find_refusal (hex);
    if (i == MOST_REFUSALS) i = next_refusal++ % MOST_REFUSALS;
    memcpy (refusals[i].sha256, hex, sizeof hex);
    snprintf (refusals[i].reason, sizeof refusals[i].reason, "%s", reason);
  }
  else snprintf (refusal_of_all, sizeof refusal_of_all, "%s", reason);
  pthread_mutex_unlock (&mutex);
}

} /* namespace fontgen */

using namespace fontgen;

fontgen_observer_t *fontgen_observer_create () { return (fontgen_observer *) calloc (1, sizeof (fontgen_observer)); }

void fontgen_observer_destroy (fontgen_observer_t *o)
{
  if (!o) return;
  if (observer == o) observer = nullptr;
  free (o->characters);
  free (o->clusters);
  free (o);
}

void fontgen_observe (fontgen_observer_t *o)
{
  observer = o;
  if (!o) return;
  o->shaper = 0;
  o->finished = true;
  o->has_text = false;
  *o->reason = *o->message = 0;
}

int fontgen_observed_shaper (const fontgen_observer_t *o) { return o->shaper; }
int fontgen_observed_finished (const fontgen_observer_t *o) { return o->finished; }
const char *fontgen_observed_reason (const fontgen_observer_t *o) { return o->reason; }
const char *fontgen_observed_message (const fontgen_observer_t *o) { return o->message; }

int fontgen_observed_text (const fontgen_observer_t *o, const uint32_t **characters, const uint32_t **clusters)
{
  if (!o->has_text) return -1;
  *characters = o->characters;
  *clusters = o->clusters;
  return (int) o->n_characters;
}

const char *fontgen_observed_refusal (const void *table, size_t bytes)
{
  static __thread char reason[LINE];
  char hex[65];
  hash (table, bytes, hex);
  pthread_mutex_lock (&mutex);
  const unsigned i = find_refusal (hex);
  snprintf (reason, sizeof reason, "%s", i < MOST_REFUSALS ? refusals[i].reason : refusal_of_all);
  pthread_mutex_unlock (&mutex);
  return reason;
}
