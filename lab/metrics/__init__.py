"""How good generated samples and predictions are: functions of NumPy arrays, and metrics for `keras.Model.compile`.

`import lab.metrics` does not load Keras. `CalibrationError` and `Perplexity`, Keras's metrics, do when they are asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
