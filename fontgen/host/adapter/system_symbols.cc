/* Functions of libharfbuzz.so.0 that need other libraries' headers to be HarfBuzz's own. */

#include "hb.hh"
#include "hb-face.hh"

#include <dlfcn.h>
#include <stdlib.h>

extern "C" {

/* FT_Load_Sfnt_Table() comes from the process: whoever passes an FT_Face has FreeType. */
static hb_blob_t *load_table (hb_face_t *, hb_tag_t tag, void *ft_face)
{
  typedef int (*load_t) (void *, unsigned long, long, unsigned char *, unsigned long *);
  load_t load = (load_t) dlsym (RTLD_DEFAULT, "FT_Load_Sfnt_Table");
  unsigned long length = 0;
  if (!load || load (ft_face, tag, 0, nullptr, &length)) return nullptr;
  unsigned char *bytes = (unsigned char *) malloc (length ? length : 1);
  if (!bytes) return nullptr;
  if (load (ft_face, tag, 0, bytes, &length)) { free (bytes); return nullptr; }
  return hb_blob_create ((const char *) bytes, (unsigned) length, HB_MEMORY_MODE_WRITABLE, bytes, free);
}

HB_EXTERN hb_face_t *hb_ft_face_create (void *ft_face, hb_destroy_func_t destroy);
hb_face_t *hb_ft_face_create (void *ft_face, hb_destroy_func_t destroy)
{ return hb_face_create_for_tables (load_table, ft_face, destroy); }

HB_EXTERN void hb_ft_font_set_funcs (hb_font_t *font);
void hb_ft_font_set_funcs (hb_font_t *) {}

HB_EXTERN void hb_ft_font_set_load_flags (hb_font_t *font, int flags);
void hb_ft_font_set_load_flags (hb_font_t *, int) {}

}
