"""A font that tells a model's stories by OpenType alone.

Three parts, each of which knows only those before it: `content` (words), `machine` (numbers) and `opentype` (glyphs and
lookups). `reference` says in plain Python what must be seen. How it works, with pictures: README.md.
"""
