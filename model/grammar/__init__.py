"""A grammar that tells simple stories, and its phrases in TOML. Imports nothing of ``model``."""
