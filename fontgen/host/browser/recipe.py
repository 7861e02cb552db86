"""What HarfBuzz for the browser is made of: compiler flags and the functions it exports.

The source archive is the one that the native host pins. Nothing in here runs anything; `builder` follows it.
"""

from __future__ import annotations

import hashlib

from fontgen.host.patches import PATCHES

TARGET = "wasm32-wasi"

COMPILER_FLAGS = (
    "-std=c++17", "-Oz", "-g0", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
    "-fvisibility-inlines-hidden", "-fno-sanitize=all", "-w", "-DNDEBUG",
    # No threads, files, environment or locale in there; and what nobody calls. Not HB_TINY: that drops fallback
    # marks and shaping of Hebrew and Arabic, and the browser would show other glyphs than the native host.
    "-DHB_NO_MT", "-DHB_NO_GETENV", "-DHB_NO_MMAP", "-DHB_NO_OPEN", "-DHB_NO_SETLOCALE", "-DHB_NO_ATEXIT",
    "-DHB_DISABLE_DEPRECATED", "-DHB_NO_BUFFER_SERIALIZE", "-DHB_NO_BUFFER_MESSAGE", "-DHB_NO_STYLE",
    "-DHB_NO_MATH", "-DHB_NO_META",
)  # fmt: skip

LINKER_FLAGS = (
    "-mexec-model=reactor", "-s", "-Wl,--gc-sections",
    # JavaScript puts functions of its own into the table: those that take outlines and colours.
    "-Wl,--export-table", "-Wl,--growable-table",
    # zig's default stack of 16 MiB would be memory of every page.
    "-Wl,-z,stack-size=262144",
)  # fmt: skip

EXPORTS = """
malloc free hb_version_string
hb_blob_create hb_blob_destroy hb_blob_get_data hb_blob_get_length
hb_face_create hb_face_destroy hb_face_get_empty hb_face_get_glyph_count hb_face_get_upem hb_face_reference_table
hb_font_create hb_font_destroy hb_font_draw_glyph hb_font_get_empty hb_font_get_face hb_font_get_glyph
hb_font_get_glyph_extents hb_font_get_glyph_h_advance hb_font_get_glyph_v_advance hb_font_get_h_extents
hb_font_get_scale hb_font_get_var_coords_normalized hb_font_glyph_to_string hb_font_paint_glyph
hb_font_set_var_coords_normalized hb_font_set_variations
hb_draw_funcs_create hb_draw_funcs_set_close_path_func hb_draw_funcs_set_cubic_to_func
hb_draw_funcs_set_line_to_func hb_draw_funcs_set_move_to_func hb_draw_funcs_set_quadratic_to_func
hb_paint_funcs_create hb_paint_funcs_set_color_func hb_paint_funcs_set_image_func
hb_paint_funcs_set_linear_gradient_func hb_paint_funcs_set_pop_clip_func hb_paint_funcs_set_pop_group_func
hb_paint_funcs_set_pop_transform_func hb_paint_funcs_set_push_clip_glyph_func
hb_paint_funcs_set_push_clip_rectangle_func hb_paint_funcs_set_push_group_func
hb_paint_funcs_set_push_transform_func hb_paint_funcs_set_radial_gradient_func
hb_paint_funcs_set_sweep_gradient_func hb_color_line_get_color_stops hb_color_line_get_extend
hb_buffer_add_codepoints hb_buffer_clear_contents hb_buffer_create hb_buffer_get_direction
hb_buffer_get_glyph_infos hb_buffer_get_glyph_positions hb_buffer_get_language hb_buffer_get_length
hb_buffer_get_script hb_buffer_guess_segment_properties hb_buffer_set_direction hb_buffer_set_language
hb_buffer_set_script hb_feature_from_string hb_language_from_string hb_language_to_string
hb_ot_color_glyph_get_layers hb_ot_color_glyph_has_paint hb_ot_color_has_layers hb_ot_color_has_paint
hb_ot_color_has_png hb_ot_name_get_utf8 hb_ot_var_get_axis_count hb_ot_var_get_axis_infos
hb_script_from_iso15924_tag hb_script_get_horizontal_direction hb_shape_full
""".split()


def key(archive_sha256: str, ziglang_version: str) -> str:
    """Changes whenever the compiled module does: a hash of the sources, the flags and the compiler."""
    parts = (
        archive_sha256,
        ziglang_version,
        TARGET,
        COMPILER_FLAGS,
        LINKER_FLAGS,
        EXPORTS,
        # Its Wasm shaper is not part of this module: js/ is one.
        tuple(patch for patch in PATCHES if not patch.file.startswith("hb-wasm")),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
