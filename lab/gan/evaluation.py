"""How good a generator's images are, in the features of a classifier."""

import keras
import numpy as np

from lab import metrics
from lab.data.conventions import as_array, check_set
from lab.models import describe_images


class Evaluation:
    """Compares generated images with real ones that were not trained on.

    Args:
        classifier: a model, images -> [logits, features]; `lab.models.trained_glyph_classifier` or Inception with its weights.
        real: images `[N, H, W, C]`, uint8 or from -1 to 1.
        training: images that were trained on, for `nearest`.
        batch_size: images in one call of the classifier.
        verbose: 1 shows Keras's progress bar: the images, then as many steps again for each of the three comparisons.
    """

    def __init__(self, classifier, real, *, training=None, batch_size=500, verbose=0):
        self.classifier = classifier
        self.training = training
        self.batch_size = batch_size
        self.verbose = verbose
        check_set("real", as_array("real", real))
        if training is not None:
            check_set("training", as_array("training", training))
        self.real = self._describe(real)[1]

    def __call__(self, images, labels=None):
        """A dict of numbers: Fréchet and kernel distance (with its standard error), precision, recall, density, coverage, classifier score; with
        labels the share of images that the classifier takes for what they should be.
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

    def nearest(self, images):
        """(indices of the nearest training images, distances) in the features; see `nearest`."""
        if self.training is None:
            raise ValueError("training: expected the images that were trained on, received None.")
        return nearest(self._describe(self.training)[1], self._describe(images)[1], self.real)

    def _describe(self, images, **options):
        return describe_images(self.classifier, images, self.batch_size, **options)


def nearest(training, made, unseen):
    """(index of the nearest training sample `[N]`, how far it is `[N]`) of generated samples.

    Distances are in units of the mean distance between as many real samples that were not trained on and the training samples nearest to
    them: 1 is as far as something new, near 0 learnt by heart. Where all of those occur in the training set there is no such unit: infinite.

    Args:
        training, made, unseen: features or pixels, `[N, ...]`.
    """
    found = metrics.nearest_in_training(training, made)
    usual = metrics.nearest_in_training(training, unseen[: len(made)]).distances.mean()
    return found.indices, found.distances / usual if usual else np.full(len(made), np.inf)
