"""A font file as data: the base font, names, features, tables. Knows nothing of what a shaper computes."""
