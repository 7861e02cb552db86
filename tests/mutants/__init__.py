"""Damaged input of every kind, by a seed, and what fontgen makes of it.

`subjects` says what is damaged and which commands see it, `damage` how, `trial` runs them in processes of their own.
A sample is part of the test suite; all of it is ``cd tests && python -m mutants``.
"""
