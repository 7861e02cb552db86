"""Text set in a font: `options` for HarfBuzz, `shape`, `layout` in lines, `draw` and `render`, or an `animation`.

`characters` reads the visible text back from glyphs. May import hosts and what is below them.
"""
