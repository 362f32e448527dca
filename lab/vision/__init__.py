"""Detection, segmentation and style: detectors, segmenters, masks, augmentation, boxes.

`lab.vision.style` is a room of its own.

Backbones and U-Net come from `lab.models`, metrics from `lab.metrics`.
"""

import lazy_loader

import lab.layers  # Keras loads a saved model only if its layers are registered
import lab.vision.detector
import lab.vision.segmenter
import lab.vision.style.adain
import lab.vision.two_stage  # noqa: F401

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
