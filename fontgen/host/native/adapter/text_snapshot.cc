#include "hb.hh"
#include "hb-buffer.hh"

#include "settings.hh"
#include "text_snapshot.hh"

#include <stdlib.h>
#include <string.h>

namespace fontgen {

/* realloc() in steps, for arrays that are kept from call to call. */
static bool make_room (void **data, size_t *room, size_t bytes)
{
  if (bytes <= *room) return true;
  size_t more = bytes + bytes / 2 + 64;
  void *grown = realloc (*data, more);
  if (!grown) return false;
  *data = grown;
  *room = more;
  return true;
}

void features_t::keep (const void *source, size_t bytes)
{
  n_features = 0;
  void *data = features;
  if (make_room (&data, &room, bytes))
  {
    memcpy (data, source, bytes);
    n_features = (unsigned) (bytes / sizeof (hb_feature_t));
  }
  features = (hb_feature_t *) data;
}

void features_t::clear () { free (features); features = nullptr; n_features = 0; room = 0; }

bool text_snapshot_t::keep (const hb_buffer_t *buffer)
{
  n_characters = buffer->len;
  if (!make_room (&characters, &room, n_characters * sizeof (hb_glyph_info_t))) return false;
  memcpy (characters, buffer->info, n_characters * sizeof (hb_glyph_info_t));
  return true;
}

void text_snapshot_t::look_at_clusters ()
{
  const hb_glyph_info_t *info = (const hb_glyph_info_t *) characters;
  ordered = true;
  first_cluster = UINT32_MAX;
  last_cluster = 0;
  for (unsigned i = 0; i < n_characters; i++)
  {
    const uint32_t cluster = info[i].cluster;
    if (cluster < first_cluster) first_cluster = cluster;
    if (cluster > last_cluster) last_cluster = cluster;
    if (i && cluster < info[i - 1].cluster) ordered = false;
  }
}

void text_snapshot_t::clear () { free (characters); characters = nullptr; n_characters = 0; room = 0; }

/* Of what stands after a text, a guest needs little: a sign that changes the last of its own. */
enum { MOST_AFTER = 256 };

/* Room for so many characters, and a buffer that takes them to be Unicode. */
static bool put (hb_buffer_t *buffer, unsigned n_characters)
{
  buffer->successful = true;
  buffer->have_output = false;
  buffer->have_positions = false;
  buffer->idx = 0;
  buffer->out_len = 0;
  buffer->out_info = buffer->info;
  buffer->len = 0;
  buffer->content_type = HB_BUFFER_CONTENT_TYPE_UNICODE;
  return buffer->resize (n_characters);
}

bool text_snapshot_t::restore (hb_buffer_t *buffer) const
{
  if (!put (buffer, n_characters)) return false;
  memcpy (buffer->info, characters, n_characters * sizeof (hb_glyph_info_t));
  return true;
}

bool text_snapshot_t::add_context (hb_buffer_t *buffer)
{
  const unsigned before = buffer->context_len[0];
  const unsigned after = hb_min (buffer->context_len[1], (unsigned) MOST_AFTER);
  if (!before || !n_characters) return false;
  look_at_clusters ();
  if (!ordered || first_cluster < before || last_cluster > UINT32_MAX - after) return false;
  if (!put (buffer, before + n_characters + after)) return false;
  hb_glyph_info_t *info = buffer->info;
  memset (info, 0, buffer->len * sizeof *info);
  for (unsigned i = 0; i < before; i++)
  {
    info[i].codepoint = buffer->context[0][before - 1 - i];
    info[i].cluster = first_cluster - before + i;
  }
  info += before;
  memcpy (info, characters, n_characters * sizeof *info);
  info += n_characters;
  for (unsigned i = 0; i < after; i++)
  {
    info[i].codepoint = buffer->context[1][i];
    info[i].cluster = last_cluster + 1 + i;
  }
  return true;
}

bool text_snapshot_t::shape_by_opentype (hb_font_t *font, hb_buffer_t *buffer, const features_t &features) const
{
  if (!restore (buffer)) return false;
  static const char *const shapers[] = {"ot", nullptr};
  bool ok = hb_shape_full (font, buffer, features.data (), features.count (), shapers);
  if (!ok) trace ("OpenType failed, too");
  return ok;
}

/* The last of the text's clusters that is not greater; its first one where all are.  `near` is the place of the one
 * that was found last: the next glyph's is there, or beside it. */
uint32_t text_snapshot_t::own_cluster (uint32_t cluster, unsigned &near) const
{
  if (cluster <= first_cluster) return first_cluster;
  if (cluster >= last_cluster) return last_cluster;
  if (!ordered) return cluster;
  const hb_glyph_info_t *info = (const hb_glyph_info_t *) characters;
  for (unsigned i = near ? near - 1 : 0; i <= near + 1 && i + 1 < n_characters; i++)
    if (info[i].cluster <= cluster && cluster < info[i + 1].cluster)
      return info[near = i].cluster;
  unsigned low = 0, high = n_characters;	/* the answer is in [low, high) */
  while (high - low > 1)
  {
    const unsigned middle = low + (high - low) / 2;
    (info[middle].cluster <= cluster ? low : high) = middle;
  }
  return info[near = low].cluster;
}

void text_snapshot_t::settle_clusters (hb_buffer_t *buffer)
{
  look_at_clusters ();
  const unsigned n = buffer->len;
  hb_glyph_info_t *info = buffer->info;
  unsigned near = 0;
  for (unsigned i = 0; i < n; i++) info[i].cluster = own_cluster (info[i].cluster, near);
  if (!ordered || !n || !HB_BUFFER_CLUSTER_LEVEL_IS_MONOTONE (buffer->cluster_level)) return;
  if (HB_DIRECTION_IS_FORWARD (buffer->props.direction))
    for (unsigned i = n - 1; i; i--)
    { if (info[i - 1].cluster > info[i].cluster) info[i - 1].cluster = info[i].cluster; }
  else
    for (unsigned i = 1; i < n; i++)
      if (info[i].cluster > info[i - 1].cluster) info[i].cluster = info[i - 1].cluster;
}

} /* namespace fontgen */
