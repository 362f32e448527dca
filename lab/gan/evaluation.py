"""How good a generator's images are, in the features of a classifier."""

import keras
import numpy as np

from lab import metrics
from lab.models import describe_images


class Evaluation:
    """Compares generated images with real ones that were not trained on.

    Args:
        classifier: a model, images -> [logits, features]; `lab.models.trained_glyph_classifier` or Inception with its weights.
        real: images `[N, ...]`.
        training: images that were trained on, for `memorized`; none without.
        seed: of the kernel distance's subsets.
        verbose: 1 shows Keras's progress bar: the images, then as many steps again for each of the three comparisons.
    """

    def __init__(self, classifier, real, *, training=None, seed=0, verbose=0):
        self.classifier, self.training, self.seed, self.verbose = classifier, training, seed, verbose
        self.real = describe_images(classifier, real)[1]

    def __call__(self, images, labels=None):
        """A dict of numbers: Fréchet and kernel distance (with its standard error), precision, recall, density, coverage, classifier score; with
        labels the share of images that the classifier takes for what they should be.
        """
        bar = keras.utils.Progbar(4 * len(images), verbose=self.verbose, unit_name="image")
        logits, features = describe_images(self.classifier, images, tell=bar.add)
        found = {"frechet_distance": metrics.frechet_distance(self.real, features)}
        bar.add(len(images))
        kernel = metrics.kernel_distance(self.real, features, seed=self.seed)
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
        """The training images nearest to generated ones in pixels, and the root mean square distance of the pixels, in units of -1..1."""
        images, training = (np.asarray(x, "float32") / 127.5 - 1 if x.dtype == np.uint8 else x for x in (images, self.training))
        found = metrics.nearest_in_training(training, images)
        return training[found.indices], found.distances / np.sqrt(images[0].size)
