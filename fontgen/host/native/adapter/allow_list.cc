#include "allow_list.hh"
#include "settings.hh"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

namespace fontgen {

/* Lines "HASH anything"; those that do not begin with the hash do not matter. */
static bool is_listed (const char *path, const char sha256[65])
{
  if (!*path) return false;
  FILE *file = fopen (path, "re");
  if (!file) return false;
  char line[512];
  bool found = false;
  while (!found && fgets (line, sizeof line, file))
    found = !strncasecmp (line, sha256, 64) && strchr (" \t\r\n", line[64]);
  fclose (file);
  return found;
}

/* Whether this is the first time: HarfBuzz may load a table anew for each shape plan. */
static bool first_time (const char sha256[65])
{
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static char asked[16][65];
  static unsigned next;
  bool known = false;
  pthread_mutex_lock (&mutex);
  for (const auto &hash : asked) known = known || !strcmp (hash, sha256);
  if (!known) memcpy (asked[next++ % 16], sha256, 65);
  pthread_mutex_unlock (&mutex);
  return !known;
}

bool is_allowed (const char sha256[65])
{
  const settings_t &s = settings ();
  if (s.policy == POLICY_ON) return true;
  if (s.policy == POLICY_LISTED && is_listed (s.allow_list, sha256)) return true;
  if (s.ask && first_time (sha256))
    fprintf (stderr, "fontgen-wasm: a font wants to run code; to allow it: echo %s >> '%s'\n", sha256, s.allow_list);
  return false;
}

} /* namespace fontgen */
