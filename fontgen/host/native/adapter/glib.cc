/* hb_glib_*(): what HarfBuzz's hb-glib.cc does, without GLib's headers.
 *
 * Programs that call these have GLib, so its functions are looked up in the process.  Character
 * properties come from HarfBuzz's own tables, which are of a newer Unicode than most GLibs'. */

#include "hb.hh"

#include "platform.hh"

typedef int GUnicodeScript;
typedef struct _GBytes GBytes;

/* A function of GLib, looked up at the first call of any thread; null where there is none. */
template <typename Function>
struct glib_function {
  const char *name;
  Function *found; /* atomic */

  Function *get ()
  {
    Function *function = __atomic_load_n (&found, __ATOMIC_ACQUIRE);
    if (function) return function;
    function = (Function *) fontgen::find_function ("libglib-2.0.so.0", name);
    __atomic_store_n (&found, function, __ATOMIC_RELEASE);
    return function;
  }
};

/* GLib's encoding of script tags is HarfBuzz's. */
static glib_function<uint32_t (GUnicodeScript)> script_to_tag = {"g_unicode_script_to_iso15924"};
static glib_function<GUnicodeScript (uint32_t)> script_from_tag = {"g_unicode_script_from_iso15924"};
static glib_function<const void * (GBytes *, size_t *)> bytes_get_data = {"g_bytes_get_data"};
static glib_function<void * (GBytes *)> bytes_ref = {"g_bytes_ref"};
static glib_function<void (void *)> bytes_unref = {"g_bytes_unref"};

extern "C" {
HB_EXTERN hb_script_t hb_glib_script_to_script (GUnicodeScript script);
HB_EXTERN GUnicodeScript hb_glib_script_from_script (hb_script_t script);
HB_EXTERN hb_unicode_funcs_t *hb_glib_get_unicode_funcs (void);
HB_EXTERN hb_blob_t *hb_glib_blob_create (GBytes *bytes);
}

hb_script_t hb_glib_script_to_script (GUnicodeScript script)
{
  auto convert = script_to_tag.get ();
  return convert ? (hb_script_t) convert (script) : HB_SCRIPT_UNKNOWN;
}

GUnicodeScript hb_glib_script_from_script (hb_script_t script)
{
  auto convert = script_from_tag.get ();
  return convert ? convert (script) : 0;
}

hb_unicode_funcs_t *hb_glib_get_unicode_funcs () { return hb_unicode_funcs_get_default (); }

hb_blob_t *hb_glib_blob_create (GBytes *bytes)
{
  auto get_data = bytes_get_data.get ();
  auto ref = bytes_ref.get ();
  auto unref = bytes_unref.get ();
  if (!get_data || !ref || !unref) return hb_blob_get_empty ();
  size_t size = 0;
  const char *data = (const char *) get_data (bytes, &size);
  return hb_blob_create (data, (unsigned) size, HB_MEMORY_MODE_READONLY, ref (bytes), unref);
}
