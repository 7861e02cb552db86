"""The falling-block game: how it looks, its rules, and keys to play it with."""
