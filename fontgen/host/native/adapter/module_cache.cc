#include "module_cache.hh"

#ifdef _WIN32

/* What makes a directory private is another matter there: nothing is kept. */
namespace fontgen {
cache_entry_t::cache_entry_t (const char[65]) { *path = 0; }
wt_object *cache_entry_t::read () const { return nullptr; }
void cache_entry_t::write (wt_object *) const {}
} /* namespace fontgen */

#else

#include "engine.hh"
#include "settings.hh"
#include "sha256.hh"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fontgen {

/* Someone who makes fonts compiles a new module with each: the oldest give way. */
enum { MOST_FILES = 64 };
static const char suffix[] = ".compiled";

struct header_t {
  char magic[8];
  uint64_t size;
  uint64_t check[2];
};
static const char magic[8] = {'F', 'G', 'W', 'A', 'S', 'M', '0', '1'};

/* Against rot, not against an attacker: whoever can write here can do anything already. */
static void checksum (const uint8_t *p, uint64_t n, uint64_t out[2])
{
  uint64_t a = 0x9E3779B97F4A7C15ull ^ n, b = 0xC2B2AE3D27D4EB4Full, w;
  for (; n >= 8; n -= 8, p += 8)
  {
    memcpy (&w, p, 8);
    a = (a ^ w) * 0xff51afd7ed558ccdull; a ^= a >> 32;
    b = (b + w) * 0xc4ceb9fe1a85ec53ull; b ^= b >> 29;
  }
  for (; n; n--, p++)
  {
    a = (a ^ *p) * 0xff51afd7ed558ccdull; a ^= a >> 32;
    b = (b + *p) * 0xc4ceb9fe1a85ec53ull; b ^= b >> 29;
  }
  out[0] = a; out[1] = b;
}

static bool is_private (const struct stat &s)
{ return s.st_uid == geteuid () && !(s.st_mode & (S_IWGRP | S_IWOTH)); }

/* Makes the directory and its parents, for this user only; false if it is not private then. */
static bool private_directory (const char *path)
{
  char part[4096];
  size_t n = strlen (path);
  if (!n || n >= sizeof part) return false;
  memcpy (part, path, n + 1);
  for (size_t i = 1; i <= n; i++)
    if (part[i] == '/' || !part[i])
    {
      part[i] = 0;
      if (mkdir (part, 0700) && errno != EEXIST) return false;
      part[i] = path[i];
    }
  struct stat s;
  return !lstat (path, &s) && S_ISDIR (s.st_mode) && is_private (s);
}

cache_entry_t::cache_entry_t (const char module_sha256[65])
{
  *path = 0;
  const char *directory = settings ().cache_directory;
  if (!*directory) return;
  if (!private_directory (directory))
  {
    trace ("%s is not a private directory: no cache of compiled modules", directory);
    return;
  }
  sha256_t digest;
  digest.add (module_sha256, 64);
  digest.add (engine_fingerprint (), strlen (engine_fingerprint ()));
  char name[65];
  digest.finish (name);
  snprintf (path, sizeof path, "%s/%.40s%s", directory, name, suffix);
}

wt_object *cache_entry_t::read () const
{
  if (!*path) return nullptr;
  double started = now_ms ();
  int file = open (path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return nullptr;
  struct stat s;
  uint8_t *bytes = nullptr;
  size_t size = 0;
  if (!fstat (file, &s) && S_ISREG (s.st_mode) && is_private (s) && s.st_size > (off_t) sizeof (header_t) &&
      (bytes = (uint8_t *) malloc ((size_t) s.st_size)))
    while (size < (size_t) s.st_size)
    {
      ssize_t n = ::read (file, bytes + size, (size_t) s.st_size - size);
      if (n <= 0) break;
      size += (size_t) n;
    }
  close (file);
  wt_object *module = nullptr;
  if (bytes && size == (size_t) s.st_size)
  {
    header_t header;
    memcpy (&header, bytes, sizeof header);
    uint64_t check[2];
    const uint8_t *payload = bytes + sizeof header;
    char message[256];
    if (!memcmp (header.magic, magic, sizeof magic) && header.size == size - sizeof header &&
	(checksum (payload, header.size, check), !memcmp (check, header.check, sizeof check)))
    {
      /* Wasmtime itself refuses code of another version, configuration or processor. */
      wt_object *error = wasmtime.wasmtime_module_deserialize (engine (), payload, header.size, &module);
      if (take_failure (error, nullptr, message, sizeof message)) module = nullptr;
    }
    else trace ("%s is damaged", path);
  }
  free (bytes);
  if (module) trace ("module from cache: %.2f ms", now_ms () - started);
  return module;
}

/* Removes the files that were written first, down to MOST_FILES. */
static void prune (const char *directory)
{
  for (;;)
  {
    DIR *entries = opendir (directory);
    if (!entries) return;
    unsigned n = 0;
    char oldest[256] = "";
    time_t oldest_time = 0;
    while (struct dirent *entry = readdir (entries))
    {
      size_t length = strlen (entry->d_name);
      if (length <= sizeof suffix || length >= sizeof oldest || !strstr (entry->d_name, suffix)) continue;
      struct stat s;
      if (fstatat (dirfd (entries), entry->d_name, &s, AT_SYMLINK_NOFOLLOW)) continue;
      if (!n++ || s.st_mtime < oldest_time)
      {
	oldest_time = s.st_mtime;
	memcpy (oldest, entry->d_name, length + 1);
      }
    }
    bool removed = n > MOST_FILES && !unlinkat (dirfd (entries), oldest, 0);
    closedir (entries);
    if (!removed) return;
  }
}

void cache_entry_t::write (wt_object *module) const
{
  if (!*path) return;
  wt_bytes code;
  char message[256];
  if (take_failure (wasmtime.wasmtime_module_serialize (module, &code), nullptr, message, sizeof message)) return;

  header_t header;
  memcpy (header.magic, magic, sizeof magic);
  header.size = code.size;
  checksum ((const uint8_t *) code.data, code.size, header.check);

  /* Complete or not there: written beside, then renamed. */
  char temporary[sizeof path + 16];
  snprintf (temporary, sizeof temporary, "%s.XXXXXX", path);
  int file = mkstemp (temporary);
  if (file >= 0)
  {
    bool ok = ::write (file, &header, sizeof header) == (ssize_t) sizeof header;
    for (size_t at = 0; ok && at < code.size;)
    {
      ssize_t n = ::write (file, code.data + at, code.size - at);
      ok = n > 0;
      if (ok) at += (size_t) n;
    }
    ok = !close (file) && ok;
    if (!ok || rename (temporary, path)) unlink (temporary);
    prune (settings ().cache_directory);
  }
  wasmtime.wasm_byte_vec_delete (&code);
}

} /* namespace fontgen */

#endif
