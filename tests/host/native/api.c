/* A font that calls every function of HarfBuzz's Wasm API and shows the answers as glyphs.
 *
 * The text's first character says which functions: 'b' buffer, 'f' font, ...  Each answer becomes
 * a "glyph" whose number is the answer; test_host_api.py knows what they must be.  Compiled twice:
 * with -DGUEST_HEAP the guest has malloc() and free(), without it the host adds a heap. */

#include "harfbuzz.h"

#ifdef GUEST_HEAP
static char heap[1 << 20] __attribute__ ((aligned (16)));
static uint32_t used, allocations, frees;
EXPORT (malloc) void *malloc (uint32_t size)
{
  uint32_t at = used;
  if (size > sizeof heap - at) return 0;
  used = at + (size + 15 & ~15u);
  allocations++;
  return heap + at;
}
EXPORT (free) void free (void *p) { if (p) frees++; }
#endif

static glyph_info_t info[256];
static glyph_position_t positions[256];
static uint32_t n_answers;

static void answer (uint32_t value)
{
  info[n_answers].codepoint = value;
  positions[n_answers].x_advance = (int32_t) n_answers;
  n_answers++;
}

static uint32_t plan_face, plans_created;
EXPORT (shape_plan_create) uint32_t shape_plan_create (face_t face)
{
  plan_face = face;
  plans_created++;
  return 1234;
}
EXPORT (shape_plan_destroy) void shape_plan_destroy (uint32_t plan) { (void) plan; }

static void buffer_functions (buffer_t buffer)
{
  buffer_contents_t contents = {0, 0, 0};
  answer (buffer_copy_contents (buffer, &contents));	/* allocates */
  answer (contents.length);
  answer (contents.info[1].codepoint);
  answer (contents.info[1].cluster);
  answer (buffer_contents_realloc (&contents, 100));
  answer (contents.length);
  answer (contents.info[1].codepoint);			/* kept */
  contents.length = 3;
  contents.info[2].codepoint = 'z';
  contents.info[2].cluster = 2;
  answer (buffer_set_contents (buffer, &contents));
  buffer_reverse (buffer);
  answer (buffer_copy_contents (buffer, &contents));	/* into the memory that is there */
  answer (contents.info[0].codepoint);
  buffer_reverse_clusters (buffer);
  answer (buffer_copy_contents (buffer, &contents));
  answer (contents.info[0].codepoint);
  answer (buffer_get_direction (buffer));
  answer (buffer_get_script (buffer));
  answer (script_get_horizontal_direction (TAG ('A', 'r', 'a', 'b')));
  buffer_contents_free (&contents);
  answer (contents.length);
  answer ((uint32_t) contents.info);
}

/* The host tells how much of an array it has filled, and leaves out the positions of a guest that wants none. */
static void length_function (buffer_t buffer)
{
  static volatile uint32_t nowhere;
  volatile uint32_t *at_zero = (volatile uint32_t *) nowhere;
  buffer_contents_t contents = {256, info, 0};
  *at_zero = 4711;
  answer (buffer_copy_contents (buffer, &contents));
  answer (contents.length);
  answer (info[contents.length - 1].codepoint);
  answer (*at_zero == 4711);
}

static void font_functions (font_t font)
{
  int32_t x_scale, y_scale;
  font_get_scale (font, &x_scale, &y_scale);
  answer (x_scale);
  answer (y_scale);
  uint32_t glyph = font_get_glyph (font, 'A', 0);
  answer (glyph);
  answer (font_get_glyph_h_advance (font, glyph));
  answer (font_get_glyph_v_advance (font, glyph));
  glyph_extents_t extents;
  answer (font_get_glyph_extents (font, glyph, &extents));
  answer (extents.x_bearing);
  answer (extents.y_bearing);
  answer (extents.width);
  answer (extents.height);
  char name[16];
  font_glyph_to_string (font, glyph, name, sizeof name);
  for (unsigned i = 0; name[i]; i++) answer ((uint8_t) name[i]);
  answer (0);
}

static void outline_functions (font_t font)
{
  glyph_outline_t outline = {0, 0, 0, 0};
  answer (font_copy_glyph_outline (font, font_get_glyph (font, 'A', 0), &outline));
  answer (outline.n_points);
  answer (outline.n_contours);
  answer ((uint32_t) (int32_t) outline.points[0].x);
  answer ((uint32_t) (int32_t) outline.points[0].y);
  answer (outline.points[0].type);
  answer (outline.contours[outline.n_contours - 1]);
  glyph_outline_free (&outline);
  answer (outline.n_points);
  answer ((uint32_t) outline.points);
}

static void face_functions (font_t font)
{
  face_t face = font_get_face (font);
  answer (face == plan_face);
  answer (face_get_upem (face));
  blob_t head = {0, 0};
  answer (face_copy_table (face, TAG ('h', 'e', 'a', 'd'), &head));	/* allocates */
  answer (head.length);
  answer ((uint8_t) head.data[18] << 8 | (uint8_t) head.data[19]);	/* unitsPerEm */
  blob_free (&head);
  answer (head.length);
  answer ((uint32_t) head.data);

  static char room[64];
  blob_t preset = {sizeof room, room};
  answer (face_copy_table (face, TAG ('h', 'e', 'a', 'd'), &preset));	/* into the room given */
  answer (preset.data == room);
  answer ((uint8_t) room[18] << 8 | (uint8_t) room[19]);

  blob_t none = {0, 0};
  answer (face_copy_table (face, TAG ('n', 'o', 'n', 'e'), &none));
  answer (none.length);

  static char not_a_font[4] = "abcd";
  blob_t bytes = {sizeof not_a_font, not_a_font};
  face_t made = face_create (&bytes, 0);
  answer (made != 0 && made != face);
  answer (face_get_upem (made));
  font_t second = font_create (face);
  answer (second != 0 && second != font);
  answer (font_get_glyph (second, 'A', 0));
  answer (font_get_face (second) == face);
}

static void coordinate_functions (font_t font)
{
  font_t mine = font_create (font_get_face (font));
  static int wanted[1] = {8192};
  coords_t set = {1, wanted};
  answer (font_set_coords (mine, &set));
  coords_t got = {0, 0};
  answer (font_copy_coords (mine, &got));
  answer (got.length);
  if (got.length) answer ((uint32_t) got.coords[0]);
}

static void feature_functions (const feature_t *features, uint32_t n_features)
{
  features_t copy = {0, 0};
  answer (n_features);
  answer (feature_copy_contents (features, n_features, &copy));
  answer (copy.length);
  for (uint32_t i = 0; i < copy.length; i++)
  {
    answer (copy.features[i].tag);
    answer (copy.features[i].value);
    answer (copy.features[i].start);
    answer (copy.features[i].end);
  }
  features_free (&copy);
  answer (copy.length);
}

static void debug_functions (void)
{
  debugprint ("none");
  debugprint1 ("one", 1);
  debugprint2 ("two", 1, 2);
  debugprint3 ("three", 1, 2, 3);
  debugprint4 ("four", 1, 2, 3, 4);
  answer (77);
}

EXPORT (shape) uint32_t shape (uint32_t plan, font_t font, buffer_t buffer, const feature_t *features, uint32_t n_features)
{
  buffer_contents_t contents = {256, info, positions};
  if (!buffer_copy_contents (buffer, &contents)) return 0;
  uint32_t first = info[0].codepoint, cluster = info[0].cluster;
  n_answers = 0;
  switch (first)
  {
    case 'b': buffer_functions (buffer); break;
    case 'n': length_function (buffer); break;
    case 'f': font_functions (font); break;
    case 'o': outline_functions (font); break;
    case 'F': face_functions (font); break;
    case 'c': coordinate_functions (font); break;
    case 'e': feature_functions (features, n_features); break;
    case 'd': debug_functions (); break;
    case 'p':
      answer (plan);
      answer (plans_created);
      break;
#ifdef GUEST_HEAP
    case 'm':
      answer (allocations);
      answer (frees);
      break;
#endif
    default:
      return shape_with (font, buffer, features, n_features, "ot");
  }
  for (uint32_t i = 0; i < n_answers; i++) info[i].cluster = cluster;
  contents.length = n_answers;
  contents.info = info;
  contents.pos = positions;
  return buffer_set_contents (buffer, &contents);
}
