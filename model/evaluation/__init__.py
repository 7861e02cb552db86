"""What is measured of a model: held-out text, story checks, quantisers. Imports ``model.data`` and ``fontgen``."""
