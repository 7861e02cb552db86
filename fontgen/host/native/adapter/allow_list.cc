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

/* The path as a shell's word: in single quotes, and a quote in it as '\''. */
static void quote (const char *path, char *word, size_t size)
{
  size_t n = 0;
  word[n++] = '\'';
  for (; *path && n + 6 < size; path++)
  {
    const char *part = *path == '\'' ? "'\\''" : nullptr;
    if (part) { memcpy (word + n, part, 4); n += 4; }
    else word[n++] = *path;
  }
  word[n++] = '\'';
  word[n] = 0;
}

/* A command that works in a home where nothing has been configured yet. */
static void ask_for (const char sha256[65], const char *path)
{
  if (!*path)
  {
    fprintf (stderr, "fontgen-wasm: a font wants to run code; there is no home directory for a list of those that may: "
		     "set FONTGEN_WASM_LIST to a file, with the line %s in it\n", sha256);
    return;
  }
  char file[4 * sizeof settings_t ().allow_list], directory[sizeof file];
  quote (path, file, sizeof file);
  const char *slash = strrchr (path, '/');
  char parent[sizeof settings_t ().allow_list];
  snprintf (parent, sizeof parent, "%.*s", slash ? (int) (slash - path) : 0, path);
  quote (parent, directory, sizeof directory);
  fprintf (stderr, "fontgen-wasm: a font wants to run code; to allow it: ");
  if (*parent) fprintf (stderr, "mkdir -p %s && ", directory);
  fprintf (stderr, "echo %s >> %s\n", sha256, file);
}

bool is_allowed (const char sha256[65])
{
  const settings_t &s = settings ();
  if (s.policy == POLICY_ON) return true;
  if (s.policy == POLICY_LISTED && is_listed (s.allow_list, sha256)) return true;
  if (s.ask && first_time (sha256)) ask_for (sha256, s.allow_list);
  return false;
}

} /* namespace fontgen */
