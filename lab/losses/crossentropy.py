"""The base of both cross-entropies: their options."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor


class Crossentropy(keras.losses.Loss):
    """A cross-entropy with label smoothing, focal loss and class weights.

    Args:
        from_logits: whether predictions are logits.
        label_smoothing: in [0, 1].
        gamma: the focusing parameter, >= 0.
        class_weights: a number >= 0 per class, or None for ones.
        **options: name, reduction and dtype, as in `keras.losses.Loss`.
    """

    classes: int | None = None  # the number of classes, if it is fixed

    def __init__(
        self,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        gamma: float = 0.0,
        class_weights: Sequence[float] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.gamma = gamma
        self.class_weights = None if class_weights is None else tuple(class_weights)
        check_options(label_smoothing, gamma, self.class_weights, self.classes)

    def get_options(self) -> dict[str, Any]:
        """The keyword arguments of the loss's function."""
        return {name: getattr(self, name) for name in ("from_logits", "label_smoothing", "gamma", "class_weights")}

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | self.get_options()


def focal_factor(miss: Tensor, gamma: float) -> Tensor:
    """miss^gamma for a probability, such as 1 - p_t.

    For gamma < 1 the derivative at 0 would be infinite. Here it is 0. The usual powers are
    products, which are faster.
    """
    if gamma in (2, 4):
        return ops.square(miss) if gamma == 2 else ops.square(ops.square(miss))
    wide = ops.cast(miss, keras.backend.result_type(miss.dtype, "float32"))  # 1e-37 is 0 in float16
    return ops.cast(ops.maximum(wide, 1e-37) ** gamma, miss.dtype)


def check_options(
    label_smoothing: float, gamma: float, class_weights: Sequence[float] | None, classes: int | None = None
) -> None:
    """ValueError if an option is out of range, or there is not one weight per class."""
    validation.UNIT.check("label_smoothing", label_smoothing)
    validation.NOT_NEGATIVE.check("gamma", gamma)
    if class_weights is None:
        return
    for weight in class_weights:
        validation.NOT_NEGATIVE.check("class_weights", weight)
    if classes is not None and len(class_weights) != classes:
        raise ValueError(f"class_weights: expected {classes} numbers, received {class_weights!r}.")
