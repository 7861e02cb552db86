"""Beginnings of stories, and the checks that a continuation passes or fails.

``prompts.tsv`` has the hundred prompts that a model is judged by, each with the characters that it introduces.
Imports ``model.data``.
"""
