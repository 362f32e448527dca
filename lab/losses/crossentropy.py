"""The base of both cross-entropies: their options, checked and saved."""

import keras
from keras import ops

from lab import validation


class Crossentropy(keras.losses.Loss):
    """A cross-entropy with smoothed labels, focus and weights of classes; the subclass says what each does.

    Args:
        from_logits: whether predictions are logits.
        label_smoothing: in [0, 1].
        gamma: focus on what is misjudged, >= 0.
        class_weights: a number >= 0 per class, or None for ones.
        **options: name, reduction and dtype, as in `keras.losses.Loss`.
    """

    classes: int | None = None  # where the loss alone says how many there are

    def __init__(self, from_logits=True, label_smoothing=0.0, gamma=0.0, class_weights=None, **options):
        super().__init__(**options)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.gamma = gamma
        self.class_weights = None if class_weights is None else tuple(class_weights)
        check(label_smoothing, gamma, self.class_weights, self.classes)

    def get_options(self):
        """What the loss's function takes beside its tensors."""
        return {name: getattr(self, name) for name in ("from_logits", "label_smoothing", "gamma", "class_weights")}

    def get_config(self):
        """All arguments."""
        return super().get_config() | self.get_options()


def focus(missed, gamma):
    """missed^gamma of a probability, >= 0; the slope at 0 is 0 where it would be infinite, for gamma < 1."""
    wide = ops.cast(missed, keras.backend.result_type(missed.dtype, "float32"))  # float16 knows no 1e-37
    return ops.cast(ops.maximum(wide, 1e-37) ** gamma, missed.dtype)


def check(label_smoothing, gamma, class_weights, classes=None):
    """ValueError where an option is none, or the weights are not as many as the classes."""
    validation.UNIT.check("label_smoothing", label_smoothing)
    validation.NOT_NEGATIVE.check("gamma", gamma)
    if class_weights is None:
        return
    for weight in class_weights:
        validation.NOT_NEGATIVE.check("class_weights", weight)
    if classes is not None and len(class_weights) != classes:
        raise ValueError(f"class_weights: expected {classes} numbers, received {class_weights!r}.")
