"""Experiments, one module each.

`python -m experiments.<name>` runs one, `python -m experiments` lists all.
"""
