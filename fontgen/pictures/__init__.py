"""The games: what they draw with, their glyphs, their font table, and their rules again in Python, to check the C.

May import `fontgen.shapers` and `fontgen.font`.
"""
