/* The text as it was before a guest touched it, so that OpenType can shape it after all. */
#ifndef FONTGEN_TEXT_SNAPSHOT_HH
#define FONTGEN_TEXT_SNAPSHOT_HH

#include <stdint.h>
#include <stddef.h>

struct hb_buffer_t;
struct hb_font_t;
struct hb_feature_t;

namespace fontgen {

/* The caller's features: HarfBuzz passes their copy in guest memory only. */
struct features_t {
  void keep (const void *features, size_t bytes);
  void forget () { n_features = 0; }
  void clear ();
  const hb_feature_t *data () const { return features; }
  unsigned count () const { return n_features; }

  private:
  hb_feature_t *features;
  unsigned n_features;
  size_t room;
};

struct text_snapshot_t {
  bool keep (const hb_buffer_t *buffer);
  /* Puts what stands before the text, and some of what stands after it, into the buffer, too, with
   * clusters that count on from the text's; false when nothing stands before it. */
  bool add_context (hb_buffer_t *buffer);
  /* Puts the text back. */
  bool restore (hb_buffer_t *buffer) const;
  /* Puts the text back and shapes it by OpenType. */
  bool shape_by_opentype (hb_font_t *font, hb_buffer_t *buffer, const features_t &features) const;
  /* Makes every cluster of the guest's result one of the text's: programs use them as indices.  Some
   * public fonts count the glyphs that they put out; what is beyond the text belongs to its end.
   * Clusters that go back and forth are merged, since programs loop over them. */
  void settle_clusters (hb_buffer_t *buffer);
  void clear ();

  private:
  void look_at_clusters ();
  uint32_t own_cluster (uint32_t cluster, unsigned &near) const;
  void *characters; /* hb_glyph_info_t[n_characters] */
  unsigned n_characters;
  size_t room;
  /* By look_at_clusters(), since most texts do without. */
  bool ordered; /* the text's own clusters are */
  uint32_t first_cluster, last_cluster;
};

} /* namespace fontgen */

#endif
