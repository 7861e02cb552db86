/* hb_graphite2_*(): there is no Graphite shaper here.  LibreOffice and TeX engines import these and
 * take null for "this font is not shaped by Graphite". */

#include "hb.hh"

extern "C" {
HB_EXTERN void *hb_graphite2_face_get_gr_face (hb_face_t *face);
HB_EXTERN void *hb_graphite2_font_get_gr_font (hb_font_t *font);
}

void *hb_graphite2_face_get_gr_face (hb_face_t *) { return nullptr; }
void *hb_graphite2_font_get_gr_font (hb_font_t *) { return nullptr; }
