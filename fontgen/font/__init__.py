"""A font file as data: the base font, names, features, lookups, tables; `sealed` is the frame of fontgen's own tables.

Knows nothing of what a shaper computes; may import only `fontgen.errors`, `files` and `progress`.
"""
