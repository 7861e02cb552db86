/* Preloaded into a program, writes a line of JSON for each text that it gives HarfBuzz to shape with
 * a font that has a Wasm table, to the file that FONTGEN_SHAPE_LOG names:
 *
 *   {"process": 17, "codepoints": [84, 104], "clusters": [0, 1], "glyphs": [52, 71], "glyph_clusters": [0, 1]}
 *
 * Declares the few functions of HarfBuzz by hand (they are stable since 1.0) and links with none of
 * them: the program's own library is looked up when it first shapes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
  uint32_t codepoint, mask, cluster, var1, var2;
} hb_glyph_info_t;

static __thread int depth; /* hb_shape() calls hb_shape_full(), which executes a plan */

static void *next (const char *name)
{
  void *function = dlsym (RTLD_NEXT, name);
  if (!function)
  {
    void *library = dlopen ("libharfbuzz.so.0", RTLD_LAZY | RTLD_NOLOAD);
    if (library) function = dlsym (library, name);
  }
  return function;
}

static int has_wasm (void *font)
{
  void *(*get_face) (void *) = next ("hb_font_get_face");
  void *(*reference_table) (void *, uint32_t) = next ("hb_face_reference_table");
  unsigned (*get_length) (void *) = next ("hb_blob_get_length");
  void (*destroy) (void *) = next ("hb_blob_destroy");
  if (!get_face || !reference_table || !get_length || !destroy) return 0;
  void *blob = reference_table (get_face (font), 0x5761736Du /* Wasm */);
  unsigned length = get_length (blob);
  destroy (blob);
  return length != 0;
}

static size_t numbers (char *out, const char *key, const hb_glyph_info_t *infos, unsigned count, int cluster)
{
  size_t length = sprintf (out, "%s\"%s\": [", key[0] == 'c' && !cluster ? "" : ", ", key);
  for (unsigned i = 0; i < count; i++)
    length += sprintf (out + length, "%s%u", i ? ", " : "", cluster ? infos[i].cluster : infos[i].codepoint);
  out[length++] = ']';
  return length;
}

static size_t contents (char **line, size_t length, const char *codepoints, const char *clusters, void *buffer)
{
  hb_glyph_info_t *(*get_infos) (void *, unsigned *) = next ("hb_buffer_get_glyph_infos");
  unsigned count = 0;
  hb_glyph_info_t *infos = get_infos (buffer, &count);
  *line = realloc (*line, length + 24 * (size_t) count + 256);
  length += numbers (*line + length, codepoints, infos, count, 0);
  length += numbers (*line + length, clusters, infos, count, 1);
  return length;
}

/* Returns 1 where the call is to be logged; *line then holds its first half. */
static int before (void *font, void *buffer, char **line, size_t *length)
{
  *line = NULL;
  if (depth++ || !getenv ("FONTGEN_SHAPE_LOG") || !has_wasm (font)) return 0;
  *line = malloc (256);
  *length = sprintf (*line, "{\"process\": %d, ", (int) getpid ());
  *length = contents (line, *length, "codepoints", "clusters", buffer);
  return 1;
}

static void after (int logged, void *buffer, char *line, size_t length)
{
  depth--;
  if (!logged) return;
  length = contents (&line, length, "glyphs", "glyph_clusters", buffer);
  line[length++] = '}';
  line[length++] = '\n';
  int file = open (getenv ("FONTGEN_SHAPE_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file >= 0)
  {
    if (write (file, line, length) < 0) {}
    close (file);
  }
  free (line);
}

int hb_shape_full (void *font, void *buffer, const void *features, unsigned count, const char *const *shapers)
{
  int (*real) (void *, void *, const void *, unsigned, const char *const *) = next ("hb_shape_full");
  char *line;
  size_t length = 0;
  int logged = before (font, buffer, &line, &length);
  int result = real (font, buffer, features, count, shapers);
  after (logged, buffer, line, length);
  return result;
}

void hb_shape (void *font, void *buffer, const void *features, unsigned count)
{
  void (*real) (void *, void *, const void *, unsigned) = next ("hb_shape");
  char *line;
  size_t length = 0;
  int logged = before (font, buffer, &line, &length);
  real (font, buffer, features, count);
  after (logged, buffer, line, length);
}

int hb_shape_plan_execute (void *plan, void *font, void *buffer, const void *features, unsigned count)
{
  int (*real) (void *, void *, void *, const void *, unsigned) = next ("hb_shape_plan_execute");
  char *line;
  size_t length = 0;
  int logged = before (font, buffer, &line, &length);
  int result = real (plan, font, buffer, features, count);
  after (logged, buffer, line, length);
  return result;
}
