"""Detection and segmentation: boxes, feature pyramids, detectors, networks of pixels, masks.

Backbones and networks come from `lab.models`, COCO's metrics from `lab.metrics`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
