"""Tabular methods: dynamic programming on an MDP's arrays, and learners on any discrete Gymnasium environment."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
