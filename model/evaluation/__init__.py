"""What is measured of a model, for ``CARD.md``: ``evaluate.py`` puts it together.

- ``storyteller.py``: a checkpoint and the engine that a font runs it with
- ``variety.py``, ``sense.py``, ``judge.py``: how unlike each other stories are, and whether they make sense, by rules
  and by a teacher; ``judged.jsonl`` has stories that were read, for the rules to be held against
- ``quantisers.py``: what quantising costs
- ``elsewhere.txt``: beginnings that are none of a children's story

Imports ``model.data``, ``model.stories``, ``model.training`` and ``fontgen``.
"""
