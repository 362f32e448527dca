"""How good a generator's images are, in the features of a classifier."""

from typing import Any

import keras
import numpy as np

from lab import metrics
from lab.data.conventions import as_array, check_set
from lab.models import describe_images


class Evaluation:
    """Compares generated images with real ones that were not trained on.

    Args:
        classifier: a model, images -> [logits, features]: `lab.models.trained_glyph_classifier` or
            Inception with its weights.
        real: images `[N, H, W, C]`, uint8 or from -1 to 1.
        training: images that were trained on, for `nearest`.
        batch_size: images in one call of the classifier.
        verbose: 1 shows Keras's progress bar. It counts the images, then as many steps again for
            each of the three comparisons.
    """

    def __init__(
        self,
        classifier: keras.Model,
        real: Any,
        *,
        training: Any = None,
        batch_size: int = 500,
        verbose: int = 0,
    ) -> None:
        self.classifier = classifier
        self.training = training
        self.batch_size = batch_size
        self.verbose = verbose
        check_set("real", as_array("real", real))
        if training is not None:
            check_set("training", as_array("training", training))
        self.real = self._describe(real)[1]

    def __call__(self, images: Any, labels: Any = None) -> dict[str, float]:
        """The measures of generated images, by name.

        These are the Fréchet distance, the kernel distance with its standard error, precision,
        recall, density, coverage and, where the classifier has logits, the classifier score. With
        labels it is also the share of images that the classifier takes for what they should be.
        """
        bar = keras.utils.Progbar(4 * len(images), verbose=self.verbose, unit_name="image")
        logits, features = self._describe(images, tell=bar.add)
        found = {"frechet_distance": metrics.frechet_distance(self.real, features)}
        bar.add(len(images))
        kernel = metrics.kernel_distance(self.real, features)
        found |= {"kernel_distance": kernel.value, "kernel_distance_error": kernel.standard_error}
        bar.add(len(images))
        found |= metrics.precision_recall(self.real, features)._asdict()
        bar.add(len(images))
        if logits is not None:
            found["classifier_score"] = metrics.classifier_score(logits)
        if logits is not None and labels is not None:
            found["as_asked"] = float((logits.argmax(1) == np.asarray(labels)).mean())
        return found

    def nearest(self, images: Any) -> tuple[np.ndarray, np.ndarray]:
        """(indices of the nearest training images, distances) in the features; see `nearest`."""
        if self.training is None:
            raise ValueError("training: expected the images that were trained on, received None.")
        return nearest(self._describe(self.training)[1], self._describe(images)[1], self.real)

    def _describe(self, images, **options):
        return describe_images(self.classifier, images, self.batch_size, **options)


def nearest(training: np.ndarray, made: np.ndarray, unseen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index of the nearest training sample `[N]`, how far it is `[N]`) of generated samples.

    The unit of distance is the mean distance of as many unseen real samples to their nearest
    training samples. So 1 is as far as something new, and near 0 is memorised. Where all unseen
    samples occur in the training set there is no such unit, and distances are infinite.

    Args:
        training, made, unseen: features or pixels, `[N, ...]`.
    """
    found = metrics.nearest_in_training(training, made)
    usual = metrics.nearest_in_training(training, unseen[: len(made)]).distances.mean()
    return found.indices, found.distances / usual if usual else np.full(len(made), np.inf)
