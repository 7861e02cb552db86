"""The network in PyTorch and its training, from token files to weights in place. Imports ``model.data``."""
