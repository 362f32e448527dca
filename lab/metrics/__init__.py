"""How good generated samples and predictions are: functions of NumPy arrays, and metrics for `keras.Model.compile`.

`import lab.metrics` does not load Keras. `CalibrationError` and `Perplexity`, Keras's metrics, do when they are asked for.
"""

import importlib

from lab.metrics.features import KernelDistance as KernelDistance
from lab.metrics.features import Nearest as Nearest
from lab.metrics.features import PrecisionRecall as PrecisionRecall
from lab.metrics.features import classifier_score as classifier_score
from lab.metrics.features import frechet_distance as frechet_distance
from lab.metrics.features import kernel_distance as kernel_distance
from lab.metrics.features import nearest_in_training as nearest_in_training
from lab.metrics.features import precision_recall as precision_recall
from lab.metrics.kneser_ney import kneser_ney as kneser_ney
from lab.metrics.kneser_ney import sequence_perplexity as sequence_perplexity
from lab.metrics.mixture import ModeCoverage as ModeCoverage
from lab.metrics.mixture import mode_coverage as mode_coverage
from lab.metrics.mixture import reverse_kl as reverse_kl

OF_KERAS = ("CalibrationError", "Perplexity")


def __getattr__(name):
    if name in OF_KERAS:
        return getattr(importlib.import_module("lab.metrics.training"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *OF_KERAS])
