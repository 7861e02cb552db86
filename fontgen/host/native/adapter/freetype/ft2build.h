/* FreeType's public ABI, as far as HarfBuzz's hb-ft.cc uses it, for machines without its headers.
 *
 * Declarations follow FreeType 2.9's documented API (https://freetype.org/freetype2/docs/reference/),
 * whose structures have not changed since.  The functions are looked up in libfreetype.so.6 when
 * one is first called: only programs that have FreeType call hb_ft_*(). */
#ifndef FONTGEN_FT2BUILD_H
#define FONTGEN_FT2BUILD_H

#include <stddef.h>

#define FT_FREETYPE_H "ft2build.h"
#define FT_MODULE_H "ft2build.h"
#define FT_ADVANCES_H "ft2build.h"
#define FT_MULTIPLE_MASTERS_H "ft2build.h"
#define FT_OUTLINE_H "ft2build.h"
#define FT_TRUETYPE_TABLES_H "ft2build.h"
#define FT_SYNTHESIS_H "ft2build.h"

#define FREETYPE_MAJOR 2
#define FREETYPE_MINOR 9
#define FREETYPE_PATCH 0

typedef unsigned char FT_Byte;
typedef unsigned char FT_Bool;
typedef char FT_String;
typedef short FT_Short;
typedef unsigned short FT_UShort;
typedef int FT_Int;
typedef int FT_Int32;
typedef unsigned int FT_UInt;
typedef long FT_Long;
typedef unsigned long FT_ULong;
typedef long FT_Fixed;	/* 16.16 */
typedef long FT_Pos;
typedef long FT_F26Dot6;
typedef int FT_Error;

enum { FT_Err_Ok = 0 };

typedef struct FT_LibraryRec_ *FT_Library;
typedef struct FT_FaceRec_ *FT_Face;
typedef struct FT_GlyphSlotRec_ *FT_GlyphSlot;
typedef struct FT_SizeRec_ *FT_Size;
typedef struct FT_CharMapRec_ *FT_CharMap;
typedef struct FT_StreamRec_ *FT_Stream;
typedef struct FT_MemoryRec_ *FT_Memory;

typedef struct FT_Vector_ { FT_Pos x, y; } FT_Vector;
typedef struct FT_Matrix_ { FT_Fixed xx, xy, yx, yy; } FT_Matrix;
typedef struct FT_BBox_ { FT_Pos xMin, yMin, xMax, yMax; } FT_BBox;
typedef struct FT_Generic_ { void *data; void (*finalizer) (void *object); } FT_Generic;
typedef struct FT_Bitmap_Size_ { FT_Short height, width; FT_Pos size, x_ppem, y_ppem; } FT_Bitmap_Size;

#define FT_TAG_OF(a, b, c, d) ((unsigned) (a) << 24 | (unsigned) (b) << 16 | (unsigned) (c) << 8 | (unsigned) (d))

typedef enum FT_Encoding_ {
  FT_ENCODING_NONE = 0,
  FT_ENCODING_MS_SYMBOL = (int) FT_TAG_OF ('s', 'y', 'm', 'b'),
  FT_ENCODING_UNICODE = (int) FT_TAG_OF ('u', 'n', 'i', 'c')
} FT_Encoding;

typedef enum FT_Glyph_Format_ {
  FT_GLYPH_FORMAT_NONE = 0,
  FT_GLYPH_FORMAT_BITMAP = (int) FT_TAG_OF ('b', 'i', 't', 's'),
  FT_GLYPH_FORMAT_OUTLINE = (int) FT_TAG_OF ('o', 'u', 't', 'l')
} FT_Glyph_Format;

struct FT_CharMapRec_ {
  FT_Face face;
  FT_Encoding encoding;
  FT_UShort platform_id, encoding_id;
};

typedef struct FT_Size_Metrics_ {
  FT_UShort x_ppem, y_ppem;
  FT_Fixed x_scale, y_scale;
  FT_Pos ascender, descender, height, max_advance;
} FT_Size_Metrics;

struct FT_SizeRec_ {
  FT_Face face;
  FT_Generic generic;
  FT_Size_Metrics metrics;
  void *internal;
};

typedef struct FT_Glyph_Metrics_ {
  FT_Pos width, height;
  FT_Pos horiBearingX, horiBearingY, horiAdvance;
  FT_Pos vertBearingX, vertBearingY, vertAdvance;
} FT_Glyph_Metrics;

typedef struct FT_Bitmap_ {
  unsigned int rows, width;
  int pitch;
  unsigned char *buffer;
  unsigned short num_grays;
  unsigned char pixel_mode, palette_mode;
  void *palette;
} FT_Bitmap;

typedef struct FT_Outline_ {
  short n_contours, n_points;
  FT_Vector *points;
  char *tags;
  short *contours;
  int flags;
} FT_Outline;

typedef struct FT_Outline_Funcs_ {
  int (*move_to) (const FT_Vector *to, void *user);
  int (*line_to) (const FT_Vector *to, void *user);
  int (*conic_to) (const FT_Vector *control, const FT_Vector *to, void *user);
  int (*cubic_to) (const FT_Vector *control1, const FT_Vector *control2, const FT_Vector *to, void *user);
  int shift;
  FT_Pos delta;
} FT_Outline_Funcs;

struct FT_GlyphSlotRec_ {
  FT_Library library;
  FT_Face face;
  FT_GlyphSlot next;
  FT_UInt glyph_index;
  FT_Generic generic;
  FT_Glyph_Metrics metrics;
  FT_Fixed linearHoriAdvance, linearVertAdvance;
  FT_Vector advance;
  FT_Glyph_Format format;
  FT_Bitmap bitmap;
  FT_Int bitmap_left, bitmap_top;
  FT_Outline outline;
  FT_UInt num_subglyphs;
  void *subglyphs;
  void *control_data;
  long control_len;
  FT_Pos lsb_delta, rsb_delta;
  void *other;
  void *internal;
};

struct FT_MemoryRec_ {
  void *user;
  void *(*alloc) (FT_Memory memory, long size);
  void (*free) (FT_Memory memory, void *block);
  void *(*realloc) (FT_Memory memory, long current_size, long new_size, void *block);
};

struct FT_StreamRec_ {
  unsigned char *base;
  unsigned long size, pos;
  void *descriptor, *pathname;
  unsigned long (*read) (FT_Stream stream, unsigned long offset, unsigned char *buffer, unsigned long count);
  void (*close) (FT_Stream stream);
  FT_Memory memory;
  unsigned char *cursor, *limit;
};

/* The public part; what follows in FreeType's own structure is private. */
struct FT_FaceRec_ {
  FT_Long num_faces, face_index;
  FT_Long face_flags, style_flags;
  FT_Long num_glyphs;
  FT_String *family_name, *style_name;
  FT_Int num_fixed_sizes;
  FT_Bitmap_Size *available_sizes;
  FT_Int num_charmaps;
  FT_CharMap *charmaps;
  FT_Generic generic;
  FT_BBox bbox;
  FT_UShort units_per_EM;
  FT_Short ascender, descender, height;
  FT_Short max_advance_width, max_advance_height;
  FT_Short underline_position, underline_thickness;
  FT_GlyphSlot glyph;
  FT_Size size;
  FT_CharMap charmap;
  void *driver;
  FT_Memory memory;
  FT_Stream stream;
};

typedef struct FT_MM_Var_ {
  FT_UInt num_axis, num_designs, num_namedstyles;
  void *axis, *namedstyle;
} FT_MM_Var;

enum {
  FT_LOAD_DEFAULT = 0,
  FT_LOAD_NO_HINTING = 1 << 1,
  FT_LOAD_NO_BITMAP = 1 << 3,
  FT_LOAD_VERTICAL_LAYOUT = 1 << 4
};
typedef enum FT_Kerning_Mode_ { FT_KERNING_DEFAULT = 0, FT_KERNING_UNFITTED } FT_Kerning_Mode;

/* X (result where FreeType cannot be found, result type, name, parameters) */
#define FONTGEN_FREETYPE_FUNCTIONS \
  X (1, FT_Error, FT_New_Library, (FT_Memory, FT_Library *)) \
  X (1, FT_Error, FT_Reference_Library, (FT_Library)) \
  X (1, FT_Error, FT_Done_Library, (FT_Library)) \
  X (, void, FT_Add_Default_Modules, (FT_Library)) \
  X (, void, FT_Set_Default_Properties, (FT_Library)) \
  X (1, FT_Error, FT_New_Face, (FT_Library, const char *, FT_Long, FT_Face *)) \
  X (1, FT_Error, FT_New_Memory_Face, (FT_Library, const FT_Byte *, FT_Long, FT_Long, FT_Face *)) \
  X (1, FT_Error, FT_Reference_Face, (FT_Face)) \
  X (1, FT_Error, FT_Done_Face, (FT_Face)) \
  X (1, FT_Error, FT_Load_Glyph, (FT_Face, FT_UInt, FT_Int32)) \
  X (0, FT_UInt, FT_Get_Char_Index, (FT_Face, FT_ULong)) \
  X (0, FT_UInt, FT_Face_GetCharVariantIndex, (FT_Face, FT_ULong, FT_ULong)) \
  X (1, FT_Error, FT_Get_Advance, (FT_Face, FT_UInt, FT_Int32, FT_Fixed *)) \
  X (1, FT_Error, FT_Get_Kerning, (FT_Face, FT_UInt, FT_UInt, FT_UInt, FT_Vector *)) \
  X (1, FT_Error, FT_Get_Glyph_Name, (FT_Face, FT_UInt, void *, FT_UInt)) \
  X (0, FT_UInt, FT_Get_Name_Index, (FT_Face, const FT_String *)) \
  X (1, FT_Error, FT_Select_Charmap, (FT_Face, FT_Encoding)) \
  X (1, FT_Error, FT_Set_Char_Size, (FT_Face, FT_F26Dot6, FT_F26Dot6, FT_UInt, FT_UInt)) \
  X (, void, FT_Set_Transform, (FT_Face, FT_Matrix *, FT_Vector *)) \
  X (0, FT_Long, FT_MulFix, (FT_Long, FT_Long)) \
  X (1, FT_Error, FT_Outline_Decompose, (FT_Outline *, const FT_Outline_Funcs *, void *)) \
  X (1, FT_Error, FT_Load_Sfnt_Table, (FT_Face, FT_ULong, FT_Long, FT_Byte *, FT_ULong *)) \
  X (1, FT_Error, FT_Sfnt_Table_Info, (FT_Face, FT_UInt, FT_ULong *, FT_ULong *)) \
  X (1, FT_Error, FT_Get_MM_Var, (FT_Face, FT_MM_Var **)) \
  X (1, FT_Error, FT_Done_MM_Var, (FT_Library, FT_MM_Var *)) \
  X (1, FT_Error, FT_Set_Var_Design_Coordinates, (FT_Face, FT_UInt, FT_Fixed *)) \
  X (1, FT_Error, FT_Get_Var_Blend_Coordinates, (FT_Face, FT_UInt, FT_Fixed *))

#define X(missing, result, name, parameters) extern result (*fontgen_##name) parameters;
extern "C" {
FONTGEN_FREETYPE_FUNCTIONS
}
#undef X

#define FT_New_Library fontgen_FT_New_Library
#define FT_Reference_Library fontgen_FT_Reference_Library
#define FT_Done_Library fontgen_FT_Done_Library
#define FT_Add_Default_Modules fontgen_FT_Add_Default_Modules
#define FT_Set_Default_Properties fontgen_FT_Set_Default_Properties
#define FT_New_Face fontgen_FT_New_Face
#define FT_New_Memory_Face fontgen_FT_New_Memory_Face
#define FT_Reference_Face fontgen_FT_Reference_Face
#define FT_Done_Face fontgen_FT_Done_Face
#define FT_Load_Glyph fontgen_FT_Load_Glyph
#define FT_Get_Char_Index fontgen_FT_Get_Char_Index
#define FT_Face_GetCharVariantIndex fontgen_FT_Face_GetCharVariantIndex
#define FT_Get_Advance fontgen_FT_Get_Advance
#define FT_Get_Kerning fontgen_FT_Get_Kerning
#define FT_Get_Glyph_Name fontgen_FT_Get_Glyph_Name
#define FT_Get_Name_Index fontgen_FT_Get_Name_Index
#define FT_Select_Charmap fontgen_FT_Select_Charmap
#define FT_Set_Char_Size fontgen_FT_Set_Char_Size
#define FT_Set_Transform fontgen_FT_Set_Transform
#define FT_MulFix fontgen_FT_MulFix
#define FT_Outline_Decompose fontgen_FT_Outline_Decompose
#define FT_Load_Sfnt_Table fontgen_FT_Load_Sfnt_Table
#define FT_Sfnt_Table_Info fontgen_FT_Sfnt_Table_Info
#define FT_Get_MM_Var fontgen_FT_Get_MM_Var
#define FT_Done_MM_Var fontgen_FT_Done_MM_Var
#define FT_Set_Var_Design_Coordinates fontgen_FT_Set_Var_Design_Coordinates
#define FT_Get_Var_Blend_Coordinates fontgen_FT_Get_Var_Blend_Coordinates

#endif
