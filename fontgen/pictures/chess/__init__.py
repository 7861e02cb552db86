"""Chess: how it looks, and its rules."""
