"""The network in PyTorch and its training, from token files to weights in place.

- ``network.py``, ``weights.py``, ``generation.py``: the model, its files, its stories
- ``train.py``: one run of a recipe, with ``team.py`` (processes), ``optimizers.py``, ``validation.py``,
  ``checkpoints.py``, ``log.py``, ``memory.py``
- ``teacher.py``, ``distill.py``: a larger model that knows English, what it writes and what it expects
- ``self_training.py``: what a model learns from its own stories
- ``average.py``, ``calibrate.py``, ``export.py``: what comes after a run

Imports ``model.recipe``, ``model.data`` and ``model.stories``.
"""
