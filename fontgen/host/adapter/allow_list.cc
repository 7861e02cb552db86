#include "allow_list.hh"
#include "settings.hh"

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

bool is_allowed (const char sha256[65])
{
  const settings_t &s = settings ();
  if (s.policy == POLICY_ON) return true;
  if (s.policy == POLICY_LISTED && is_listed (s.allow_list, sha256)) return true;
  if (s.ask)
    fprintf (stderr, "fontgen-wasm: a font wants to run code; to allow it: echo %s >> '%s'\n", sha256, s.allow_list);
  return false;
}

} /* namespace fontgen */
