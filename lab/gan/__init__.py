"""Generative adversarial networks: the model of two players, and what is passed into it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
