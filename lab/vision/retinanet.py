"""RetinaNet: at each place of a pyramid, which of nine anchors is an object."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.losses.focal import sigmoid_focal
from lab.losses.smooth_l1 import smooth_l1
from lab.vision.boxes import area, box_at, deltas_to, iou_matrix
from lab.vision.dense_head import best_boxes, dense_head, one_hot_labels, places
from lab.vision.detector import Detector
from lab.vision.fcos import PRIOR
from lab.vision.pyramid import feature_pyramid, maps_at

SCALES = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
RATIOS = (0.5, 1.0, 2.0)  # height over width
POSITIVE, NEGATIVE = 0.5, 0.4  # IoU with an object from which an anchor is one, and below which it is none
BETA = 1 / 9  # of smooth L1, as in the authors' code


class Targets(NamedTuple):
    """What RetinaNet should say of a picture."""

    labels: Tensor  # int [B, A]: the class of each anchor, -1 for none, -2 where it does not count
    deltas: Tensor  # [B, A, 4]: from the anchor to its object, as of `encode`


class RetinaNet(Detector):
    """A detector of anchors (Lin, Goyal, Girshick, He and Dollar 2017, "Focal loss").

    At each place there are nine anchors, of three sizes and three shapes. An anchor is an object's
    if their IoU is at least 0.5, and none's if it is below 0.4 with all. Anchors between do not
    count.

    Differences from the paper: the best anchor of an object is its own whatever the IoU, unless
    it overlaps another object more; batch normalisation in the pyramid; group
    normalisation in the towers, which helps without pretraining; the strides are an argument (8 to
    128 in the paper); the best 1,000 candidates are of all levels together.

    Args:
        backbone: a network of images such as `lab.models.resnet`, with maps at `strides`.
        classes: number of classes.
        strides: of the levels from fine to coarse, each twice the one before.
        channels: of the pyramid and the towers.
        depth: convolutions of each of the two towers.
        size: side of the smallest square anchor, in strides.
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
        size: float = 4.0,
        seed: int,
    ) -> None:
        self.configure(picture=backbone.inputs[0].shape[1:3], classes=classes, strides=strides, size=size)
        for_pyramid, for_head = map(int, np.random.SeedSequence(seed).generate_state(2))
        maps = self.maps = feature_pyramid(maps_at(backbone, strides), channels, seed=for_pyramid)
        branches = {"class": [("logits", classes, PRIOR)], "box": [("deltas", 4, 0.0)]}
        count = len(SCALES) * len(RATIOS)
        outputs = dense_head(maps, branches, channels=channels, depth=depth, anchors=count, seed=for_head)
        self.network = keras.Model(backbone.inputs[0], outputs, name="retinanet")

    def configure(self, *, picture: Sequence[int], classes: int, strides: Sequence[int], size: float) -> None:
        """See `Detector`."""
        self.settings = {"picture": list(picture), "classes": classes, "strides": list(strides), "size": size}
        self.classes = validation.integer("classes", classes)
        middles, steps = places(picture, strides)
        shapes = np.array([(scale / ratio**0.5, scale * ratio**0.5) for scale in SCALES for ratio in RATIOS])
        sides = size * steps[:, None, None] * shapes  # [P, 9, 2]
        corners = np.concatenate([middles[:, None] - sides / 2, middles[:, None] + sides / 2], axis=-1)
        self.anchors = corners.reshape(-1, 4).astype("float32")  # [A, 4]

    def assign(self, objects: Tensor, outputs: Tensor | None = None) -> Targets:
        """The targets of objects `[B, M, 5]`: left, top, right, bottom, class; -1 for none."""
        boxes = objects[..., :4]
        there = (objects[..., 4] >= 0) & (area(boxes) > 0)
        overlaps = ops.where(there[:, None], iou_matrix(self.anchors[None], boxes), -1.0)  # [B, A, M]
        best = ops.max(overlaps, axis=1, keepdims=True)  # of each object
        own = (overlaps >= best) & (best > 0)
        overlaps = ops.where(own, overlaps + 2, overlaps)  # an object's best anchor is its own first
        chosen, reached = ops.argmax(overlaps, axis=-1), ops.max(overlaps, axis=-1)  # [B, A]
        taken = ops.take_along_axis(objects, chosen[..., None], axis=1)  # [B, A, 5]
        none = ops.where(reached < NEGATIVE, -1, -2)
        labels = ops.where(reached >= POSITIVE, ops.cast(taken[..., 4], "int32"), none)
        return Targets(labels, self.encode(taken[..., :4]))

    def encode(self, boxes: Tensor) -> Tensor:
        """The deltas from each anchor to a box `[..., A, 4]`, as of `deltas_to`."""
        return deltas_to(self.anchors, boxes)

    def boxes(self, outputs: Tensor) -> Tensor:
        """The box of each anchor, `[B, A, 4]` in pixels: the inverse of `encode`."""
        return box_at(self.anchors, outputs[..., self.classes :])

    def loss(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Focal of the classes + smooth L1 of the deltas; a scalar.

        Each is a sum, over the number of positive anchors.

        Args:
            y_true: objects `[B, M, 5]`, as of `assign`.
            y_pred: outputs of the network `[B, A, classes + 4]`.
        """
        targets = self.assign(y_true)
        there = ops.cast(targets.labels >= 0, "float32")
        counts = ops.cast(targets.labels > -2, "float32")[..., None]
        focal = sigmoid_focal(one_hot_labels(targets.labels, self.classes), y_pred[..., : self.classes])
        away = ops.sum(smooth_l1(targets.deltas, y_pred[..., self.classes :], beta=BETA), axis=-1)
        return (ops.sum(counts * focal) + ops.sum(there * away)) / ops.maximum(ops.sum(there), 1)

    def decode(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(boxes `[B, K, 4]` in pixels, scores `[B, K]`, labels int `[B, K]`), by falling score.

        Suppression at IoU 0.5.

        Args:
            outputs: of the network.
        """
        outputs = ops.convert_to_tensor(outputs)
        scores = ops.sigmoid(outputs[..., : self.classes])
        return best_boxes(scores, self.boxes(outputs), least=0.05, threshold=0.5, most=self.most)
