"""What a network has learnt: pictures of its units and of the reasons for its decisions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
