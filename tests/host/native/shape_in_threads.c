/* Shapes the same texts from many threads at once and checks that every result is the same.
 *
 *   shape_in_threads THREADS SHAPES FACES NEW FONT...
 *
 * Each thread makes SHAPES calls, going round the texts below and round FACES faces of each FONT
 * that all threads share; of every NEW calls one is of a face that the thread makes for it and
 * destroys again (0: none).  Results must be those of a single thread before.
 *
 * Prints as JSON the number of results that differed and the resident memory, in kilobytes, each
 * time that a tenth of the shapes is done.  Links with libharfbuzz.so.0 or compiled together with
 * HarfBuzz and the adapter for a race detector: see find_races.py. */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct hb_blob_t hb_blob_t;
typedef struct hb_face_t hb_face_t;
typedef struct hb_font_t hb_font_t;
typedef struct hb_buffer_t hb_buffer_t;
typedef struct { uint32_t codepoint, mask, cluster, private[2]; } hb_glyph_info_t;
typedef struct { int32_t x_advance, y_advance, x_offset, y_offset; uint32_t private; } hb_glyph_position_t;
hb_blob_t *hb_blob_create_from_file (const char *);
hb_face_t *hb_face_create (hb_blob_t *, unsigned);
void hb_face_destroy (hb_face_t *);
hb_font_t *hb_font_create (hb_face_t *);
void hb_font_destroy (hb_font_t *);
void hb_font_make_immutable (hb_font_t *);
hb_buffer_t *hb_buffer_create (void);
void hb_buffer_destroy (hb_buffer_t *);
void hb_buffer_clear_contents (hb_buffer_t *);
void hb_buffer_add_utf8 (hb_buffer_t *, const char *, int, unsigned, int);
void hb_buffer_guess_segment_properties (hb_buffer_t *);
hb_glyph_info_t *hb_buffer_get_glyph_infos (hb_buffer_t *, unsigned *);
hb_glyph_position_t *hb_buffer_get_glyph_positions (hb_buffer_t *, unsigned *);
int hb_shape_full (hb_font_t *, hb_buffer_t *, const void *, unsigned, const char *const *);

enum { PARTS = 10, MOST_FONTS = 8, MOST_FACES = 64 };

static const char *const texts[] = {
  "AVA", "To be, or not", "fi", "WAVE", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
  "The fox!!!!!!", "The fox!!!!!!!!!!!!", "A cat!!!!!!!! and a dog!!!!!!",
};
enum { N_TEXTS = sizeof texts / sizeof *texts };

static unsigned n_threads, n_shapes, n_faces, every, n_fonts;
static hb_blob_t *blobs[MOST_FONTS];
static hb_font_t *fonts[MOST_FONTS][MOST_FACES];
static uint64_t expected[MOST_FONTS][N_TEXTS];
static pthread_barrier_t barrier;

static hb_font_t *open_font (hb_blob_t *blob)
{
  hb_face_t *face = hb_face_create (blob, 0);
  hb_font_t *font = hb_font_create (face);
  hb_face_destroy (face);
  hb_font_make_immutable (font);
  return font;
}

/* A hash (FNV-1a) of all glyphs, clusters and positions; 0 when shaping failed. */
static uint64_t shape (hb_font_t *font, hb_buffer_t *buffer, const char *text)
{
  hb_buffer_clear_contents (buffer);
  hb_buffer_add_utf8 (buffer, text, -1, 0, -1);
  hb_buffer_guess_segment_properties (buffer);
  if (!hb_shape_full (font, buffer, NULL, 0, NULL)) return 0;
  unsigned n;
  const hb_glyph_info_t *info = hb_buffer_get_glyph_infos (buffer, &n);
  const hb_glyph_position_t *position = hb_buffer_get_glyph_positions (buffer, &n);
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned i = 0; i < n; i++)
  {
    const uint32_t words[] = {info[i].codepoint, info[i].cluster, (uint32_t) position[i].x_advance,
			      (uint32_t) position[i].x_offset, (uint32_t) position[i].y_offset};
    for (unsigned w = 0; w < sizeof words / sizeof *words; w++) hash = (hash ^ words[w]) * 0x100000001b3;
  }
  return hash;
}

static void *work (void *argument)
{
  const unsigned index = (unsigned) (uintptr_t) argument;
  uintptr_t differing = 0;
  hb_buffer_t *buffer = hb_buffer_create ();
  for (unsigned part = 0; part < PARTS; part++)
  {
    for (unsigned i = part * n_shapes / PARTS; i < (part + 1) * n_shapes / PARTS; i++)
    {
      const unsigned step = i + 3 * index, f = step % n_fonts, t = step / n_fonts % N_TEXTS;
      hb_font_t *font = fonts[f][step / n_fonts % n_faces];
      hb_font_t *mine = every && i % every == every - 1 ? open_font (blobs[f]) : NULL;
      differing += shape (mine ? mine : font, buffer, texts[t]) != expected[f][t];
      if (mine) hb_font_destroy (mine);
    }
    pthread_barrier_wait (&barrier);	/* all are done with this part ... */
    pthread_barrier_wait (&barrier);	/* ... and the memory has been measured */
  }
  hb_buffer_destroy (buffer);
  return (void *) differing;
}

static long resident_kilobytes (void)
{
  long kilobytes = -1;
  char line[256];
  FILE *status = fopen ("/proc/self/status", "r");
  while (status && fgets (line, sizeof line, status)) sscanf (line, "VmRSS: %ld", &kilobytes);
  if (status) fclose (status);
  return kilobytes;
}

int main (int argc, char **argv)
{
  if (argc < 6 || argc - 5 > MOST_FONTS) return 2;
  n_threads = strtoul (argv[1], NULL, 10);
  n_shapes = strtoul (argv[2], NULL, 10);
  n_faces = strtoul (argv[3], NULL, 10);
  every = strtoul (argv[4], NULL, 10);
  n_fonts = argc - 5;
  if (!n_threads || !n_shapes || !n_faces || n_faces > MOST_FACES) return 2;

  /* One thread first, with faces that nobody else has. */
  hb_buffer_t *buffer = hb_buffer_create ();
  for (unsigned f = 0; f < n_fonts; f++)
  {
    blobs[f] = hb_blob_create_from_file (argv[5 + f]);
    for (unsigned i = 0; i < n_faces; i++) fonts[f][i] = open_font (blobs[f]);
    hb_font_t *alone = open_font (blobs[f]);
    for (unsigned t = 0; t < N_TEXTS; t++) expected[f][t] = shape (alone, buffer, texts[t]);
    hb_font_destroy (alone);
    for (unsigned t = 0; t < N_TEXTS; t++) if (!expected[f][t]) return 3;
  }
  hb_buffer_destroy (buffer);

  pthread_t *threads = calloc (n_threads, sizeof *threads);
  pthread_barrier_init (&barrier, NULL, n_threads + 1);
  for (unsigned i = 0; i < n_threads; i++)
    if (pthread_create (&threads[i], NULL, work, (void *) (uintptr_t) i)) return 3;
  long resident[PARTS];
  for (unsigned part = 0; part < PARTS; part++)
  {
    pthread_barrier_wait (&barrier);
    resident[part] = resident_kilobytes ();
    pthread_barrier_wait (&barrier);
  }
  uintptr_t differing = 0;
  for (unsigned i = 0; i < n_threads; i++)
  {
    void *result;
    pthread_join (threads[i], &result);
    differing += (uintptr_t) result;
  }
  printf ("{\"shapes\": %u, \"differing\": %u, \"resident_kb\": [", n_threads * n_shapes, (unsigned) differing);
  for (unsigned part = 0; part < PARTS; part++) printf ("%s%ld", part ? ", " : "", resident[part]);
  printf ("]}\n");
}
