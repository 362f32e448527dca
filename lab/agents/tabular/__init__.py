"""Tabular methods: dynamic programming on the arrays of an MDP, and learners.

The learners act in any Gymnasium environment with discrete observations and actions.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
