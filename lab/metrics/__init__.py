"""How good generated samples and predictions are.

Functions take NumPy arrays. `CalibrationError`, `MeanIoU` and `Perplexity` are metrics for
`keras.Model.compile`. `import lab.metrics` loads Keras only when one of these three is used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
