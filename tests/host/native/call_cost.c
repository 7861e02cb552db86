/* What one call of the Wasm shaper costs, as a ratio to OpenType on the same five characters.
 *
 *   call_cost FONT
 *
 * Prints nanoseconds of processor time for OpenType and for the font's own shaper, medians of blocks
 * run in turn; measure_time_limit.py compiles and runs it. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct hb_blob_t hb_blob_t;
typedef struct hb_face_t hb_face_t;
typedef struct hb_font_t hb_font_t;
typedef struct hb_buffer_t hb_buffer_t;
hb_blob_t *hb_blob_create_from_file (const char *);
hb_face_t *hb_face_create (hb_blob_t *, unsigned);
hb_font_t *hb_font_create (hb_face_t *);
void hb_font_make_immutable (hb_font_t *);
hb_buffer_t *hb_buffer_create (void);
void hb_buffer_clear_contents (hb_buffer_t *);
void hb_buffer_add_utf8 (hb_buffer_t *, const char *, int, unsigned, int);
void hb_buffer_guess_segment_properties (hb_buffer_t *);
int hb_shape_full (hb_font_t *, hb_buffer_t *, const void *, unsigned, const char *const *);

enum { BLOCKS = 201, CALLS = 500 };

static int ascending (const void *a, const void *b)
{ return (*(const double *) a > *(const double *) b) - (*(const double *) a < *(const double *) b); }

static double block (hb_font_t *font, hb_buffer_t *buffer, const char *shaper)
{
  const char *shapers[] = {shaper, NULL};
  struct timespec a, b;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &a);
  for (int i = 0; i < CALLS; i++)
  {
    hb_buffer_clear_contents (buffer);
    hb_buffer_add_utf8 (buffer, "Hello", 5, 0, 5);
    hb_buffer_guess_segment_properties (buffer);
    hb_shape_full (font, buffer, NULL, 0, shapers);
  }
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &b);
  return ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / CALLS;
}

int main (int argc, char **argv)
{
  hb_font_t *font = hb_font_create (hb_face_create (hb_blob_create_from_file (argv[argc - 1]), 0));
  hb_font_make_immutable (font);
  hb_buffer_t *buffer = hb_buffer_create ();
  static double opentype[BLOCKS], wasm[BLOCKS];
  for (int i = 0; i < BLOCKS; i++)
  {
    opentype[i] = block (font, buffer, "ot");
    wasm[i] = block (font, buffer, "wasm");
  }
  qsort (opentype, BLOCKS, sizeof (double), ascending);
  qsort (wasm, BLOCKS, sizeof (double), ascending);
  printf ("{\"opentype_ns\": %.0f, \"wasm_ns\": %.0f, \"ratio\": %.2f}\n", opentype[BLOCKS / 2], wasm[BLOCKS / 2],
	  wasm[BLOCKS / 2] / opentype[BLOCKS / 2]);
}
