"""Experiments: one module each, run with `python -m experiments.<name>`; `python -m experiments` prints the menu."""
