"""``make bench``: how fast the font is, beside the programs that people would use instead.

Every figure is a ratio or a difference of two things measured in the same run, in turns, so that
what else the machine does falls on both; `figures` says of each what is compared and how. Not part
of the command ``fontgen``, and nothing in the package needs it.
"""
