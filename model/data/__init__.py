"""Text to token files: sources, vocabulary, batches. Imports nothing of ``model`` but the grammar."""
