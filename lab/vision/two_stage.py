"""The layers of a two-stage detector: they choose boxes, look into them, and say what is there."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.models.blocks import Blocks
from lab.vision.boxes import area, box_at
from lab.vision.dense_head import best_boxes, group_unit
from lab.vision.mask_head import roi_align_levels
from lab.vision.retinanet import RetinaNet

BOX_CELLS, MASK_CELLS = 7, 14  # on a side, in what the head of boxes, and that of masks, looks at
COMPARED = 256  # boxes of a picture that suppression compares
SPREAD = (0.1, 0.1, 0.2, 0.2)  # of deltas: the second stage says them in these units (Girshick 2015)


@keras.saving.register_keras_serializable(package="lab")
class Proposals(keras.layers.Layer):
    """The boxes of the first stage's best answers, `[B, K, 4]`, in the picture.

    Suppression at IoU 0.7 (Ren et al. 2015). What is not filled has no area. No gradient goes
    through: where to look is learnt by the first stage alone.

    Args:
        settings: of the `RetinaNet` that is the first stage.
        most: K.
    """

    def __init__(self, settings: dict[str, Any], most: int, **options: Any) -> None:
        super().__init__(**{"dtype": "float32"} | options)
        self.settings, self.most = settings, most
        self.first = RetinaNet.of_settings(settings)

    def call(self, outputs: Tensor) -> Tensor:
        """The proposals of outputs `[B, A, 5]`."""
        outputs = ops.stop_gradient(outputs)
        boxes = within(self.first.boxes(outputs), self.settings["picture"])
        scores = ops.sigmoid(outputs[..., :1]) * _has_area(boxes)
        found, scores, _ = best_boxes(scores, boxes, least=0.0, threshold=0.7, most=self.most, candidates=COMPARED)
        return ops.stop_gradient(found * ops.cast(scores > 0, "float32")[..., None])

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"settings": self.settings, "most": self.most}


@keras.saving.register_keras_serializable(package="lab")
class BestClasses(keras.layers.Layer):
    """What the second stage says of proposals: `[B, D, 6]`, box, score and class.

    Suppression at IoU 0.5 in each class, of scores of at least 0.05. What is not filled has the
    score 0. No gradient goes through.

    Args:
        picture: height and width in pixels.
        most: D.
    """

    def __init__(self, picture: Sequence[int], most: int, **options: Any) -> None:
        super().__init__(**{"dtype": "float32"} | options)
        self.picture, self.most = list(picture), most

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Of proposals `[B, K, 4]`, logits `[B, K, C + 1]`, the last of background, and deltas."""
        proposals, logits, deltas = (ops.stop_gradient(part) for part in inputs)
        boxes = within(box_at(proposals, deltas * ops.convert_to_tensor(SPREAD)), self.picture)
        scores = ops.softmax(logits)[..., :-1] * _has_area(proposals) * _has_area(boxes)
        boxes, scores, labels = best_boxes(scores, boxes, least=0.05, threshold=0.5, most=self.most, candidates=COMPARED)
        return ops.stop_gradient(ops.concatenate([boxes, scores[..., None], ops.cast(labels, "float32")[..., None]], axis=-1))

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"picture": self.picture, "most": self.most}


@keras.saving.register_keras_serializable(package="lab")
class LookInto(keras.layers.Layer):
    """What the maps of a pyramid show in boxes: `roi_align_levels`.

    Args:
        size: cells on a side.
        strides: of the maps.
    """

    def __init__(self, size: int, strides: Sequence[int], **options: Any) -> None:
        super().__init__(**{"autocast": False} | options)  # boxes stay float32
        self.size, self.strides = size, list(strides)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Of boxes `[B, N, 4 or more]` and maps: `[B, N, size, size, C]`."""
        boxes, *maps = inputs
        return roi_align_levels(maps, ops.cast(boxes[..., :4], "float32"), self.size, self.strides)

    def get_config(self) -> dict[str, Any]:
        """All arguments."""
        return super().get_config() | {"size": self.size, "strides": self.strides}


def _has_area(boxes):
    """1 or 0, `[..., 1]`."""
    return ops.cast(area(boxes) > 0, "float32")[..., None]


def within(boxes: Tensor, picture: Sequence[int]) -> Tensor:
    """Boxes `[..., 4]` cut off at the picture's edges.

    Args:
        boxes: in pixels.
        picture: its height and width.
    """
    height, width = picture
    return ops.minimum(ops.maximum(boxes, 0.0), ops.convert_to_tensor([width, height, width, height], dtype="float32"))


def box_head(blocks: Blocks, seen: Tensor, units: int, classes: int) -> list[Tensor]:
    """[logits `[B, K, C + 1]`, deltas `[B, K, 4]`] of what is seen in proposals.

    Args:
        blocks: which make the layers.
        seen: `[B, K, 7, 7, channels]`.
        units: of the two dense layers.
        classes: C.
    """
    validation.integer("units", units)
    blocks.begin("boxes")
    x = ops.reshape(seen, (-1, seen.shape[1], BOX_CELLS**2 * seen.shape[-1]))
    for _ in range(2):
        start = keras.initializers.HeNormal(blocks.seed())
        x = keras.layers.Dense(units, activation="relu", kernel_initializer=start, name=blocks.name("dense"))(x)
    made = []
    for name, numbers, spread in (("logits", classes + 1, 0.01), ("deltas", 4, 0.001)):
        start = keras.initializers.RandomNormal(stddev=spread, seed=blocks.seed())
        made.append(keras.layers.Dense(numbers, kernel_initializer=start, dtype="float32", name=f"boxes_{name}")(x))
    return made


def mask_head(blocks: Blocks, seen: Tensor, channels: int, depth: int, classes: int) -> Tensor:
    """Logits of masks of each class, `[B, D, 28, 28, C]`.

    Args:
        blocks: which make the layers.
        seen: in found boxes, `[B, D, 14, 14, channels]`.
        channels: of the convolutions.
        depth: convolutions of 3 x 3.
        classes: C.
    """
    validation.integer("depth", depth, 0)
    blocks.begin("masks")
    count = seen.shape[1]
    x = ops.reshape(seen, (-1, MASK_CELLS, MASK_CELLS, seen.shape[-1]))
    for _ in range(depth):
        for layer in group_unit(blocks, channels):
            x = layer(x)
    start = keras.initializers.HeNormal(blocks.seed())
    x = keras.layers.Conv2DTranspose(channels, 2, 2, activation="relu", kernel_initializer=start, name=blocks.name("conv"))(x)
    start = keras.initializers.RandomNormal(stddev=0.01, seed=blocks.seed())
    x = keras.layers.Conv2D(classes, 1, kernel_initializer=start, dtype="float32", name="masks_logits")(x)
    return ops.reshape(x, (-1, count, 2 * MASK_CELLS, 2 * MASK_CELLS, classes))
