#include "settings.hh"
#include "instance.hh"
#include "platform.hh"
#include "wasm_export.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

namespace fontgen {

static settings_t values;

/* The defaults are those of fontgen/host/limits.py, which the builder hands to this file. */

/* One line on stderr, whatever FONTGEN_WASM_TRACE says: a setting that is not understood must not be
 * taken for one that is. */
static void warn (const char *name, const char *text, const char *consequence)
{ fprintf (stderr, "fontgen-wasm: %s=%s is not understood: %s\n", name, text, consequence); }

enum answer_t { UNSET, YES, NO, OTHER };

static bool is_one_of (const char *text, const char *const (&words)[5])
{
  for (const char *word : words) if (!strcasecmp (text, word)) return true;
  return false;
}

static answer_t answer (const char *text)
{
  static const char *const yes[] = {"1", "on", "yes", "true", "enabled"};
  static const char *const no[] = {"0", "off", "no", "false", "disabled"};
  if (!text || !*text) return UNSET;
  return is_one_of (text, yes) ? YES : is_one_of (text, no) ? NO : OTHER;
}

static bool yes_or_no (const char *name, bool fallback)
{
  const char *text = getenv (name);
  switch (answer (text))
  {
    case YES: return true;
    case NO: return false;
    case OTHER: warn (name, text, fallback ? "taken for 1" : "taken for 0"); /* FALLTHROUGH */
    default: return fallback;
  }
}

/* A number from the environment; `fallback` where it is unset or is not a number. */
static unsigned long number (const char *name, unsigned long fallback, unsigned long most)
{
  const char *text = getenv (name);
  if (!text || !*text) return fallback;
  char *end = nullptr;
  unsigned long value = *text >= '0' && *text <= '9' ? strtoul (text, &end, 10) : 0;
  if (!end || *end)
  {
    char consequence[64];
    snprintf (consequence, sizeof consequence, "taken for %lu", fallback);
    warn (name, text, consequence);
    return fallback;
  }
  return value < most ? value : most;
}

static void user_path (char *path, size_t size, const char *variable, const char *fallback, const char *rest)
{
  const char *base = getenv (variable), *home = getenv ("HOME");
  int n = 0;
  if (base && *base == '/') n = snprintf (path, size, "%s/fontgen/%s", base, rest);
  else if (home && *home == '/') n = snprintf (path, size, "%s/%s/fontgen/%s", home, fallback, rest);
  if (n <= 0 || (size_t) n >= size) *path = 0;
}

static void read_policy (settings_t &s)
{
  const char *text = getenv ("FONTGEN_WASM");
  const answer_t said = answer (text);
  s.ask = said == OTHER && !strcasecmp (text, "ask");
  if (s.ask || (said == OTHER && !strcasecmp (text, "listed"))) s.policy = POLICY_LISTED;
  else s.policy = said == UNSET || said == YES ? POLICY_ON : POLICY_OFF;
  /* Who sets it at all wants less to run: what they misspelt must not run everything. */
  if (said == OTHER && s.policy == POLICY_OFF) warn ("FONTGEN_WASM", text, "no Wasm font runs");
}

static void read_cache_directory (settings_t &s)
{
  const char *text = getenv ("FONTGEN_WASM_CACHE");
  const answer_t said = answer (text);
  *s.cache_directory = 0;
  if (said == UNSET || said == YES)
    user_path (s.cache_directory, sizeof s.cache_directory, "XDG_CACHE_HOME", ".cache", "wasm");
  else if (said == OTHER && *text == '/' && strlen (text) < sizeof s.cache_directory) strcpy (s.cache_directory, text);
  else if (said == OTHER) warn ("FONTGEN_WASM_CACHE", text, "no cache of compiled modules");
}

static void read_settings ()
{
  settings_t &s = values;
  /* A program with more rights than its user must not follow that user's environment. */
  if (is_privileged ())
  {
    s.policy = POLICY_OFF;
    return;
  }
  read_policy (s);
  s.trace = yes_or_no ("FONTGEN_WASM_TRACE", false);
  s.timeout_ms = (unsigned) number ("FONTGEN_WASM_TIMEOUT_MS", FONTGEN_TIMEOUT_MS, 3600 * 1000);
  const unsigned long megabytes = number ("FONTGEN_WASM_MEMORY_MB", FONTGEN_MEMORY_MB, 4096);
  s.memory_bytes = megabytes ? (int64_t) megabytes << 20 : -1;
  s.code_bytes = (uint64_t) number ("FONTGEN_WASM_CODE_MB", FONTGEN_CODE_MB, 1024) << 20;
  s.signals = yes_or_no ("FONTGEN_WASM_SIGNALS", true);
  read_cache_directory (s);

  const char *text = getenv ("FONTGEN_WASM_LIST");
  if (text && *text && strlen (text) < sizeof s.allow_list) strcpy (s.allow_list, text);
  else user_path (s.allow_list, sizeof s.allow_list, "XDG_CONFIG_HOME", ".config", "wasm-allowed");
}

const settings_t &settings ()
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once (&once, read_settings);
  return values;
}

static void print (const char *format, va_list arguments)
{
  char line[1024];
  vsnprintf (line, sizeof line, format, arguments);
  fprintf (stderr, "fontgen-wasm: %s\n", line);
}

void trace (const char *format, ...)
{
  if (!settings ().trace) return;
  va_list arguments;
  va_start (arguments, format);
  print (format, arguments);
  va_end (arguments);
}

double now_ms ()
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

} /* namespace fontgen */

void wasm_runtime_trace (const char *format, ...)
{
  va_list arguments;
  /* Within a guest's call these are its own words. */
  if (fontgen_instance *instance = fontgen::current_instance ())
  {
    va_start (arguments, format);
    vsnprintf (instance->said, sizeof instance->said, format, arguments);
    va_end (arguments);
  }
  if (!fontgen::settings ().trace) return;
  va_start (arguments, format);
  fontgen::print (format, arguments);
  va_end (arguments);
}
