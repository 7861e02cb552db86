#include "settings.hh"
#include "platform.hh"
#include "wasm_export.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

namespace fontgen {

static settings_t values;

static bool is (const char *text, const char *a, const char *b = "")
{ return text && (!strcmp (text, a) || (*b && !strcmp (text, b))); }

/* A number from the environment; `fallback` where it is unset or is not a number. */
static unsigned long number (const char *name, unsigned long fallback, unsigned long most)
{
  const char *text = getenv (name);
  if (!text || *text < '0' || *text > '9') return fallback;
  char *end;
  unsigned long value = strtoul (text, &end, 10);
  if (*end) return fallback;
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

static void read_settings ()
{
  settings_t &s = values;
  const char *text = getenv ("FONTGEN_WASM");
  s.policy = POLICY_ON;
  /* A program with more rights than its user must not follow that user's environment. */
  if (is (text, "0", "off") || is_privileged ()) s.policy = POLICY_OFF;
  else if (is (text, "ask", "listed")) s.policy = POLICY_LISTED;
  s.ask = is (text, "ask");

  text = getenv ("FONTGEN_WASM_TRACE");
  s.trace = text && *text && !is (text, "0");
  s.timeout_ms = (unsigned) number ("FONTGEN_WASM_TIMEOUT_MS", 5000, 3600 * 1000);
  unsigned long megabytes = number ("FONTGEN_WASM_MEMORY_MB", 1024, 4096);
  s.memory_bytes = megabytes ? (int64_t) megabytes << 20 : -1;
  s.code_bytes = (uint64_t) number ("FONTGEN_WASM_CODE_MB", 4, 1024) << 20;
  s.signals = !is (getenv ("FONTGEN_WASM_SIGNALS"), "0");

  text = getenv ("FONTGEN_WASM_LIST");
  if (text && *text && strlen (text) < sizeof s.allow_list) strcpy (s.allow_list, text);
  else user_path (s.allow_list, sizeof s.allow_list, "XDG_CONFIG_HOME", ".config", "wasm-allowed");

  text = getenv ("FONTGEN_WASM_CACHE");
  if (is (text, "0", "off")) *s.cache_directory = 0;
  else if (text && *text == '/' && strlen (text) < sizeof s.cache_directory) strcpy (s.cache_directory, text);
  else user_path (s.cache_directory, sizeof s.cache_directory, "XDG_CACHE_HOME", ".cache", "wasm");
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
  if (!fontgen::settings ().trace) return;
  va_list arguments;
  va_start (arguments, format);
  fontgen::print (format, arguments);
  va_end (arguments);
}
