/* hb_glib_*(): what HarfBuzz's hb-glib.cc does, without GLib's headers.
 *
 * Programs that call these have GLib, so its functions are looked up in the process.  Character
 * properties come from HarfBuzz's own tables, which are of a newer Unicode than most GLibs'. */

#include "hb.hh"

#include <dlfcn.h>

typedef int GUnicodeScript;
typedef struct _GBytes GBytes;

static void *find (const char *name)
{
  static void *const library = dlopen ("libglib-2.0.so.0", RTLD_LAZY | RTLD_LOCAL);
  return library ? dlsym (library, name) : nullptr;
}

extern "C" {
HB_EXTERN hb_script_t hb_glib_script_to_script (GUnicodeScript script);
HB_EXTERN GUnicodeScript hb_glib_script_from_script (hb_script_t script);
HB_EXTERN hb_unicode_funcs_t *hb_glib_get_unicode_funcs (void);
HB_EXTERN hb_blob_t *hb_glib_blob_create (GBytes *bytes);
}

/* GLib's g_unicode_script_*_iso15924() use HarfBuzz's encoding of script tags. */
hb_script_t hb_glib_script_to_script (GUnicodeScript script)
{
  static uint32_t (*const convert) (GUnicodeScript) =
    (uint32_t (*) (GUnicodeScript)) find ("g_unicode_script_to_iso15924");
  return convert ? (hb_script_t) convert (script) : HB_SCRIPT_UNKNOWN;
}

GUnicodeScript hb_glib_script_from_script (hb_script_t script)
{
  static GUnicodeScript (*const convert) (uint32_t) =
    (GUnicodeScript (*) (uint32_t)) find ("g_unicode_script_from_iso15924");
  return convert ? convert (script) : 0;
}

hb_unicode_funcs_t *hb_glib_get_unicode_funcs () { return hb_unicode_funcs_get_default (); }

hb_blob_t *hb_glib_blob_create (GBytes *bytes)
{
  static const void *(*const get_data) (GBytes *, size_t *) =
    (const void *(*) (GBytes *, size_t *)) find ("g_bytes_get_data");
  static void *(*const ref) (GBytes *) = (void *(*) (GBytes *)) find ("g_bytes_ref");
  static void (*const unref) (void *) = (void (*) (void *)) find ("g_bytes_unref");
  if (!get_data || !ref || !unref) return hb_blob_get_empty ();
  size_t size = 0;
  const char *data = (const char *) get_data (bytes, &size);
  return hb_blob_create (data, (unsigned) size, HB_MEMORY_MODE_READONLY, ref (bytes), unref);
}
