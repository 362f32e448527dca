"""Data sets that need no download, loaders of those that do, and the conventions of images."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
