"""Text to token files, and these to batches.

- ``sources.py``: stories from local files, the Hugging Face hub and the grammar, one at a time
- ``names.py``: other names for a story's characters
- ``overlap.py``: what came before or is held out
- ``vocabulary.py``: a sentencepiece vocabulary, and stories to tokens
- ``shards.py``: token files: memory-mapped, written a shard at a time
- ``prepare.py``: all of that, as a stream
- ``batches.py``: token files to the rows of a training step

Imports ``model.recipe``, ``model.grammar`` and ``fontgen.llama.documents``.
"""
