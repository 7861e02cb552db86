"""Fonts that show pictures: what their programs draw with, and, for each, its rules told a second time in Python."""
