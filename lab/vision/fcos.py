"""FCOS: at each place of a pyramid, how far the sides of its object are."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.losses.binary_crossentropy import binary_crossentropy
from lab.losses.focal import sigmoid_focal
from lab.vision.boxes import generalized_iou
from lab.vision.dense_head import best_boxes, dense_head, one_hot_labels, places
from lab.vision.detector import Detector
from lab.vision.pyramid import feature_pyramid, maps_at

PRIOR = -float(np.log((1 - 0.01) / 0.01))  # the first logit of each class: a probability of 0.01
RADIUS = 1.5  # strides around the centre in which a place is an object's
REACH = 8  # strides: the greatest distance of a side at a level; coarser levels have longer ones


class Targets(NamedTuple):
    """What FCOS should say of a picture."""

    labels: Tensor  # int [B, P]: the class at each place, -1 for none
    boxes: Tensor  # [B, P, 4] in pixels; where there is an object
    centerness: Tensor  # [B, P], 0..1


class FCOS(Detector):
    """A detector without anchors (Tian, Shen, Chen and He 2019, "FCOS").

    A place belongs to the object whose box it is in, if it is at most 1.5 strides from the centre
    and the farthest side is in the reach of its level: (4 s, 8 s] for stride s, the first level
    from 0, the last without end. Of several objects it takes the smallest. Centerness lowers the
    scores of places far from the centre:

        sqrt(min(l, r) / max(l, r) min(t, b) / max(t, b))

    Differences from the paper: distances are s softplus(x) in place of exp(s_l x). As in the
    authors' later code, places are near the centre, centerness stands beside the distances, the
    loss of boxes is 1 - GIoU, and a score is the square root of probability times centerness.

    Args:
        backbone: a network of images such as `lab.models.resnet`, with maps at `strides`.
        classes: number of classes.
        strides: of the levels from fine to coarse, each twice the one before.
        channels: of the pyramid and the towers.
        depth: convolutions of each of the two towers.
        seed: of the initial weights of pyramid and towers.
    """

    most = 100

    def __init__(
        self,
        backbone: keras.Model,
        classes: int,
        *,
        strides: tuple[int, ...] = (4, 8, 16),
        channels: int = 64,
        depth: int = 4,
        seed: int,
    ) -> None:
        self.configure(size=backbone.inputs[0].shape[1:3], classes=classes, strides=strides)
        for_pyramid, for_head = map(int, np.random.SeedSequence(seed).generate_state(2))
        maps = feature_pyramid(maps_at(backbone, strides), channels, seed=for_pyramid)
        branches = {"class": [("logits", classes, PRIOR)], "box": [("distances", 4, 1.0), ("centerness", 1, 0.0)]}
        outputs = dense_head(maps, branches, channels=channels, depth=depth, seed=for_head)
        self.network = keras.Model(backbone.inputs[0], outputs, name="fcos")

    def configure(self, *, size: Sequence[int], classes: int, strides: Sequence[int]) -> None:
        """See `Detector`."""
        self.settings = {"size": list(size), "classes": classes, "strides": list(strides)}
        self.classes = validation.integer("classes", classes)
        self.places, self.strides = places(size, strides)
        low = np.where(self.strides == strides[0], 0, REACH // 2 * self.strides)
        high = np.where(self.strides == strides[-1], np.inf, REACH * self.strides)
        self.reach = np.stack([low, high], axis=-1).astype("float32")  # [P, 2]

    def assign(self, objects: Tensor, outputs: Tensor | None = None) -> Targets:
        """The targets of objects `[B, M, 5]`: left, top, right, bottom, class; -1 for none."""
        boxes = objects[:, None, :, :4]  # [B, 1, M, 4]
        sides = self._sides(boxes)  # [B, P, M, 4]
        middles = (boxes[..., :2] + boxes[..., 2:]) / 2
        away = ops.max(ops.abs(self.places[None, :, None] - middles), axis=-1)  # [B, P, M]
        farthest = ops.max(sides, axis=-1)
        fits = (
            (ops.min(sides, axis=-1) > 0)
            & (away < RADIUS * self.strides[:, None])
            & (farthest > self.reach[:, :1])
            & (farthest <= self.reach[:, 1:])
            & (objects[:, None, :, 4] >= 0)
        )
        areas = ops.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)  # [B, 1, M]
        areas = ops.where(fits, areas, np.float32(np.inf))
        chosen = ops.argmin(areas, axis=-1)  # [B, P]
        found = ops.any(fits, axis=-1)
        taken = ops.take_along_axis(objects, chosen[..., None], axis=1)  # [B, P, 5]
        labels = ops.where(found, ops.cast(taken[..., 4], "int32"), -1)
        return Targets(labels, taken[..., :4], ops.where(found, self._centerness(taken[..., :4]), 0))

    def _sides(self, boxes):
        """How far left, top, right and bottom of boxes `[B, 1 or P, M, 4]` are from the places."""
        here = self.places[None, :, None]
        return ops.concatenate([here - boxes[..., :2], boxes[..., 2:] - here], axis=-1)

    def _centerness(self, boxes):
        """Of boxes `[B, P, 4]` around the places."""
        left, top, right, bottom = ops.unstack(ops.maximum(self._sides(boxes[:, :, None])[:, :, 0], 1e-6), 4, axis=-1)
        across = ops.minimum(left, right) / ops.maximum(left, right)
        return ops.sqrt(across * ops.minimum(top, bottom) / ops.maximum(top, bottom))

    def loss(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Focal of the classes + (1 - GIoU) + cross-entropy of centerness; a scalar.

        Each is a sum, over the number of places that have an object.

        Args:
            y_true: objects `[B, M, 5]`, as of `assign`.
            y_pred: outputs of the network `[B, P, classes + 5]`.
        """
        targets = self.assign(y_true)
        there = ops.cast(targets.labels >= 0, "float32")
        count = ops.maximum(ops.sum(there), 1)
        focal = ops.sum(sigmoid_focal(one_hot_labels(targets.labels, self.classes), y_pred[..., : self.classes]))
        box = ops.sum(there * (1 - generalized_iou(self.boxes(y_pred), targets.boxes)))
        central = ops.sum(there * binary_crossentropy(targets.centerness, y_pred[..., -1]))
        return (focal + box + central) / count

    def boxes(self, outputs: Tensor) -> Tensor:
        """The box at each place, `[B, P, 4]` in pixels."""
        sides = ops.softplus(outputs[..., self.classes : self.classes + 4]) * self.strides[:, None]
        return ops.concatenate([self.places - sides[..., :2], self.places + sides[..., 2:]], axis=-1)

    def decode(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(boxes `[B, K, 4]` in pixels, scores `[B, K]`, labels int `[B, K]`), by falling score.

        A score is the square root of probability times centerness. Suppression at IoU 0.6.

        Args:
            outputs: of the network.
        """
        outputs = ops.convert_to_tensor(outputs)
        central = ops.sigmoid(outputs[..., -1:])
        scores = ops.sqrt(ops.sigmoid(outputs[..., : self.classes]) * central)
        return best_boxes(scores, self.boxes(outputs), least=0.05, threshold=0.6, most=self.most)
