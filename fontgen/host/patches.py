"""Edits of HarfBuzz's sources, made wherever they are unpacked."""

from __future__ import annotations

from dataclasses import dataclass

from fontgen.host.limits import CONTEXT_AFTER, CONTEXT_BEFORE


@dataclass(frozen=True)
class Patch:
    """An edit of one of HarfBuzz's sources: ``old`` must be there exactly once."""

    file: str
    old: str
    new: str


# The host builds and runs without these; most mend something in HarfBuzz's Wasm API functions that a
# hostile guest, or a long run, would find.
PATCHES = (
    # A guest's malloc() can change the structure between the allocation and the copy.
    Patch(
        "hb-wasm-api-buffer.hh",
        """  unsigned old_bytes = contents->length * sizeof (glyph_info_t);
""",
        "",
    ),
    Patch(
        "hb-wasm-api-buffer.hh",
        """  glyph_info_t *new_info = nullptr;
  uint32_t new_inforef""",
        """  const unsigned old_bytes = contents->length * sizeof (glyph_info_t);
  glyph_info_t *new_info = nullptr;
  uint32_t new_inforef""",
    ),
    # A text that is not shaped yet has no positions: they need not be zeroed here to be copied there,
    # nor be copied to a guest that gives no array for them. And a guest that has room for more than
    # there is learns how much there is (wasm/sdk/typed.c).
    Patch(
        "hb-wasm-api-buffer.hh",
        """    buffer->sync ();
  if (!buffer->have_positions)
    buffer->clear_positions ();

  unsigned length = buffer->len;
""",
        """    buffer->sync ();

  unsigned length = buffer->len;
  const bool unplaced = length <= contents->length && !buffer->have_positions;
  if (!unplaced && !buffer->have_positions)
    buffer->clear_positions ();
""",
    ),
    Patch(
        "hb-wasm-api-buffer.hh",
        """    hb_memcpy (pos, buffer->pos, bytes);

    return true;
""",
        """    if (contents->pos && unplaced)
      hb_memset (pos, 0, bytes);
    else if (contents->pos)
      hb_memcpy (pos, buffer->pos, bytes);
    contents->length = length;

    return true;
""",
    ),
    # Copying a table into memory of the guest's own leaked a reference to the table.
    Patch(
        "hb-wasm-api-face.hh",
        """    hb_memcpy (data, hb_data, length);

    return true;
""",
        """    hb_memcpy (data, hb_data, length);
    hb_blob_destroy (hb_blob);

    return true;
""",
    ),
    Patch(
        "hb-wasm-api-face.hh",
        """      blob->length = 0;
      return false;
    }

    hb_memcpy""",
        """      blob->length = 0;
      hb_blob_destroy (hb_blob);
      return false;
    }

    hb_memcpy""",
    ),
    # What kind of object a guest holds by number, the table of numbers knows. Marking the object itself
    # takes a lock and memory each time it is passed, and tells the font's caches, shared with other
    # threads, that the font has changed.
    Patch(
        "hb-wasm-api.hh",
        "    (void) wasm_externref_ref2obj (obj##ptr, (void **) &obj); \\\n"
        "    /* Check object type. */ \\\n"
        "    /* This works because all our objects have the same hb_object_t layout. */ \\\n"
        "    if (unlikely (hb_##obj##_get_user_data (obj, &_hb_wasm_ref_type_key) != \\\n"
        "\t\t  (void *) hb_wasm_ref_type_##obj)) \\\n",
        "    obj = (hb_##obj##_t *) fontgen_object_of (module_inst, obj##ptr, fontgen_kind_##obj); \\\n"
        "    if (unlikely (!obj)) \\\n",
    ),
    Patch(
        "hb-wasm-api.hh",
        "    hb_##obj##_set_user_data (obj, &_hb_wasm_ref_type_key, \\\n"
        "\t\t\t      (void *) hb_wasm_ref_type_##obj, \\\n"
        "\t\t\t      nullptr, false); \\\n"
        "    (void) wasm_externref_obj2ref (module_inst, obj, &obj##ref); \\\n",
        "    obj##ref = fontgen_number_of (module_inst, obj, fontgen_kind_##obj); \\\n",
    ),
    # Threads read and write this one.
    Patch(
        "hb-wasm-shape.cc",
        "  static bool initialized;\n",
        "  static hb_atomic_t<bool> initialized;\n",
    ),
    # A guest's text is not to be broken anywhere but before its first cluster: set in one pass, not in two.
    Patch(
        "hb-wasm-shape.cc",
        """    buffer->clear_glyph_flags ();
    buffer->unsafe_to_break ();
""",
        """    const hb_mask_t unsafe = HB_GLYPH_FLAG_UNSAFE_TO_BREAK | HB_GLYPH_FLAG_UNSAFE_TO_CONCAT;
    const unsigned first = buffer->_infos_find_min_cluster (buffer->info, 0, buffer->len);
    for (unsigned i = 0; i < buffer->len; i++)
    {
      hb_glyph_info_t &info = buffer->info[i];
      info.mask = (info.mask & ~HB_GLYPH_FLAG_DEFINED) | (info.cluster != first ? unsafe : 0);
    }
""",
    ),
    # What a program says stands before and after a text is for joining Arabic letters, which need
    # five characters; guests are shown as much as a paragraph (show_context() in calls.cc).
    Patch("hb-buffer.hh", "CONTEXT_LENGTH = 5u;", f"CONTEXT_LENGTH = {CONTEXT_BEFORE}u;"),
    # So much must not be zeroed for each text, nor be read ahead: nobody looks at what is not counted,
    # and of what follows a text guests are shown little.
    Patch("hb-buffer.cc", "  hb_memset (context, 0, sizeof context);\n", ""),
    Patch(
        "hb-buffer.cc",
        "  while (next < end && buffer->context_len[1] < buffer->CONTEXT_LENGTH)\n",
        f"  while (next < end && buffer->context_len[1] < {CONTEXT_AFTER})\n",
    ),
    # LibreOffice asks for graphite2, then coretext_aat, ot and fallback: written before there were
    # Wasm fonts, it means "the font's own program first". There is no Graphite shaper here, so the
    # name is free to mean the other kind of program that a font may have.
    Patch(
        "hb-shape-plan.cc",
        """    for (; *shaper_list; shaper_list++)
      if (false)
	;
""",
        """    for (; *shaper_list; shaper_list++)
      if (false)
	;
#ifdef HAVE_WASM
      else if (0 == strcmp (*shaper_list, "graphite2"))
	HB_SHAPER_PLAN (wasm);
#endif
""",
    ),
)
