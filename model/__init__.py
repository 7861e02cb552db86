"""The default storyteller: its weights, and everything that made them.

A package that nothing in ``fontgen`` imports; run it from a checkout (``python -m model.training.train``).

- ``recipes/``: configurations of training runs, in TOML
- ``data/``: text to token files
- ``grammar/``: a grammar that tells stories, one source of text
- ``stories/``: openings, and the checks of continuations
- ``training/``: the network in PyTorch, its training, and what comes after it, to weights in place
- ``make.py``: all of it, one step after the other, within a budget
- ``evaluation/``: what is measured of a model, for ``CARD.md``

``model.safetensors``, ``config.json`` and ``tokenizer.model`` are the checkpoint that fonts are built from.
"""
