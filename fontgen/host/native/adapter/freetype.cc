/* hb_ft_*(): HarfBuzz's own hb-ft.cc, with FreeType looked up at run time.
 *
 * Pango, cairo, GTK, Emacs and libass import these.  Needing libfreetype.so.6 would keep uharfbuzz
 * from loading where there is none, so each function pointer begins as a stand-in that finds it. */

#define HAVE_FREETYPE 1
#define HAVE_FT_GET_VAR_BLEND_COORDINATES 1
#define HAVE_FT_DONE_MM_VAR 1

#include "hb.hh"
#include "hb-ft.cc"

#include "platform.hh"

/* The names below are FreeType's own. */
template <typename Function> struct finder_t;
template <typename Result, typename... Arguments>
struct finder_t<Result (Arguments...)> {
  template <Result (**pointer) (Arguments...), Result (*missing) (Arguments...)>
  static Result first_call_of (const char *name, Arguments... arguments)
  {
    void *found = fontgen::find_function ("libfreetype.so.6", name);
    Result (*function) (Arguments...) = found ? (Result (*) (Arguments...)) found : missing;
    __atomic_store_n (pointer, function, __ATOMIC_RELEASE);
    return function (arguments...);
  }
};

#define FONTGEN_RETURN(...) return __VA_ARGS__
#define X(fallback, result, name, parameters) \
  struct lookup_##name { \
    template <typename... Arguments> static result missing (Arguments...) { FONTGEN_RETURN (fallback); } \
    template <typename... Arguments> static result find (Arguments... arguments) \
    { \
      return finder_t<result (Arguments...)>::template first_call_of<&fontgen_##name, &missing<Arguments...>> (#name, arguments...); \
    } \
    template <typename... Arguments> \
    static constexpr auto initial (result (**) (Arguments...)) -> result (*) (Arguments...) { return &find<Arguments...>; } \
  }; \
  result (*fontgen_##name) parameters = lookup_##name::initial (&fontgen_##name);

#undef FT_New_Library
#undef FT_Reference_Library
#undef FT_Done_Library
#undef FT_Add_Default_Modules
#undef FT_Set_Default_Properties
#undef FT_New_Face
#undef FT_New_Memory_Face
#undef FT_Reference_Face
#undef FT_Done_Face
#undef FT_Load_Glyph
#undef FT_Get_Char_Index
#undef FT_Face_GetCharVariantIndex
#undef FT_Get_Advance
#undef FT_Get_Kerning
#undef FT_Get_Glyph_Name
#undef FT_Get_Name_Index
#undef FT_Select_Charmap
#undef FT_Set_Char_Size
#undef FT_Set_Transform
#undef FT_MulFix
#undef FT_Outline_Decompose
#undef FT_Load_Sfnt_Table
#undef FT_Sfnt_Table_Info
#undef FT_Get_MM_Var
#undef FT_Done_MM_Var
#undef FT_Set_Var_Design_Coordinates
#undef FT_Get_Var_Blend_Coordinates

FONTGEN_FREETYPE_FUNCTIONS
#undef X
