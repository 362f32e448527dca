"""Mask R-CNN: boxes where something is, then in each its class, its exact box and its mask."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.losses.binary_crossentropy import binary_crossentropy
from lab.losses.smooth_l1 import smooth_l1
from lab.models.blocks import Blocks
from lab.vision import retinanet
from lab.vision.boxes import area, deltas_to, iou_matrix
from lab.vision.detector import Detector
from lab.vision.mask_head import masks_in_boxes, roi_align_each
from lab.vision.two_stage import BOX_CELLS, COMPARED, MASK_CELLS, SPREAD, BestClasses, LookInto, Proposals, box_head, mask_head

SIDE = 2 * MASK_CELLS  # cells on a side of a mask
OVERLAP = 0.5  # IoU with an object from which a box is the object's


class Parts(NamedTuple):
    """What the network says."""

    first: Tensor  # [B, A, 5]: of each anchor whether something is there, and where
    proposals: Tensor  # [B, K, 4], in pixels; without area where there is none
    logits: Tensor  # [B, K, C + 1]: their classes, the last one is background
    deltas: Tensor  # [B, K, 4]: from the proposals to the objects, in units of SPREAD
    found: Tensor  # [B, D, 6]: box, score and class of what is found; the score is 0 for none
    masks: Tensor  # [B, D, 28, 28, C]: logits of each class within the found boxes


class Targets(NamedTuple):
    """What the network should say."""

    first: retinanet.Targets  # with the class 0 for all objects
    labels: Tensor  # int [B, K]: the class of each proposal, C for background, -1 where it does not count
    deltas: Tensor  # [B, K, 4]
    objects: Tensor  # int [B, D]: the object of each found box, -1 for none


class MaskRCNN(Detector):
    """A detector of objects and their masks in two stages (He, Gkioxari, Dollar and Girshick 2017).

    The first stage says where something is. The second looks into the K best of these boxes, and
    says the class and the exact box. Into what is found then, the head of masks looks:

        loss = first stage + cross-entropy of classes + smooth L1 of boxes + cross-entropy of masks

    A box is an object's if their IoU is at least 0.5. Masks have a channel for each class, and only
    that of the object's class is learnt. All weights are those of one network with one output,
    which `lab.supervised.Training` trains:

        detector = MaskRCNN(backbone, 10, seed=0)
        training = Training(detector.network, recipe, loss=detector.loss, metrics=[], ...)
        training.fit(images, detector.with_masks(boxes, labels, instances))

    Differences from the paper:

    - The first stage is a `RetinaNet` of one class: nine anchors at a place, and a focal loss in
      place of a sample of anchors. Suppression compares its 256 best boxes of all levels together.
    - All K proposals are learnt from, in place of a sample of 512. True boxes are not among them.
    - A proposal has one exact box, not one for each class.
    - Masks are learnt in the boxes in which they are found later, not in proposals.
    - There is batch normalisation in the pyramid and group normalisation in the heads.

    Args:
        backbone: a network of images such as `lab.models.resnet`, with maps at `strides`.
        classes: number of classes, C.
        strides: of the levels of the pyramid, each twice the one before.
        channels: of the pyramid and of the heads.
        units: of the two dense layers of the head of boxes (the paper's 1,024).
        depth: convolutions of the head of masks (the paper's 4).
        proposals: K.
        most: D, the greatest number of objects that are found. Each has its mask, also in training.
        size: side of the smallest square anchor, in strides.
        seed: of the initial weights of pyramid and heads.
    """

    def __init__(
        self,
        backbone: keras.Model,
        classes: int,
        *,
        strides: tuple[int, ...] = (4, 8, 16),
        channels: int = 64,
        units: int = 256,
        depth: int = 2,
        proposals: int = 64,
        most: int = 20,
        size: float = 4.0,
        seed: int,
    ) -> None:
        picture = backbone.inputs[0].shape[1:3]
        self.configure(picture=picture, classes=classes, strides=strides, size=size, proposals=proposals, most=most)
        for_first, for_second = map(int, np.random.SeedSequence(seed).generate_state(2))
        first = retinanet.RetinaNet(backbone, 1, strides=strides, channels=channels, depth=1, size=size, seed=for_first)
        blocks, said = Blocks(for_second), first.network.output
        boxes = Proposals(first.settings, proposals, name="proposals")(said)
        seen = LookInto(BOX_CELLS, strides, name="look_into_proposals")([boxes, *first.maps])
        logits, deltas = box_head(blocks, seen, units, classes)
        found = BestClasses(picture, most, name="best_classes")([boxes, logits, deltas])
        seen = LookInto(MASK_CELLS, strides, name="look_into_found")([found, *first.maps])
        masks = mask_head(blocks, seen, channels, depth, classes)
        flat = [keras.layers.Flatten(dtype="float32")(part) for part in (said, boxes, logits, deltas, found, masks)]
        self.network = keras.Model(backbone.inputs[0], ops.concatenate(flat, axis=-1), name="mask_rcnn")

    def configure(
        self, *, picture: Sequence[int], classes: int, strides: Sequence[int], size: float, proposals: int, most: int
    ) -> None:
        """See `Detector`."""
        self.classes = validation.integer("classes", classes)
        shared = {"picture": list(picture), "strides": list(strides), "size": size}
        self.first = retinanet.RetinaNet.of_settings(shared | {"classes": 1})
        self.proposals, self.most = validation.integer("proposals", proposals), validation.integer("most", most)
        for name, value, bound in (
            ("proposals", proposals, min(COMPARED, len(self.first.anchors))),
            ("most", most, min(COMPARED, proposals * classes)),
        ):
            if value > bound:
                raise ValueError(f"{name}: expected at most {bound}, received {value}.")
        self.settings = shared | {"classes": classes, "proposals": proposals, "most": most}

    def parts(self, outputs: Tensor) -> Parts:
        """The parts of the network's output, which is flat."""
        found, kept = self.most, self.proposals
        shapes: list[tuple[int, ...]] = [(len(self.first.anchors), 5), (kept, 4), (kept, self.classes + 1), (kept, 4)]
        shapes += [(found, 6), (found, SIDE, SIDE, self.classes)]
        ends = np.cumsum([np.prod(shape) for shape in shapes])
        starts = [0, *ends[:-1]]
        return Parts(*(ops.reshape(outputs[:, s:e], (-1, *shape)) for s, e, shape in zip(starts, ends, shapes)))

    def with_masks(self, boxes: np.ndarray, labels: np.ndarray, instances: np.ndarray) -> np.ndarray:
        """The targets of pictures, as of `masks_in_boxes`, with masks of 28 x 28 cells."""
        return masks_in_boxes(boxes, labels, instances, SIDE, classes=self.classes)

    def assign(self, objects: Tensor, outputs: Tensor | None = None) -> Targets:
        """The targets of objects `[B, M, 5]`. They depend on the proposals of the outputs."""
        if outputs is None:
            raise ValueError("outputs: expected those of the network, received None.")
        said = self.parts(outputs)
        known = ops.cast(objects[..., 4:] >= 0, "float32")
        first = self.first.assign(ops.concatenate([objects[..., :4], known - 1], axis=-1))
        own, chosen = _owners(said.proposals, objects)
        taken = ops.take_along_axis(objects, chosen[..., None], axis=1)  # [B, K, 5]
        there = area(said.proposals) > 0
        labels = ops.where(own, ops.cast(taken[..., 4], "int32"), self.classes)
        boxes = ops.where(there[..., None], said.proposals, ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0]))
        deltas = deltas_to(boxes, taken[..., :4]) / ops.convert_to_tensor(SPREAD)
        own, chosen = _owners(said.found[..., :4], objects)
        own = ops.logical_and(own, said.found[..., 4] > 0)
        return Targets(first, ops.where(there, labels, -1), deltas, ops.where(own, ops.cast(chosen, "int32"), -1))

    def loss(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The sum of the losses of both stages and of the masks, a scalar.

        Of the second stage these are means over the proposals; of the masks, over their cells and
        the found objects.

        Args:
            y_true: of `with_masks`.
            y_pred: outputs of the network.
        """
        objects, masks = y_true[..., :5], y_true[..., 5:]
        said, targets = self.parts(y_pred), self.assign(objects, y_pred)
        known = ops.cast(objects[..., 4:] >= 0, "float32")
        first = self.first.loss(ops.concatenate([objects[..., :4], known - 1], axis=-1), said.first)
        there = ops.cast(targets.labels >= 0, "float32")
        own = there * ops.cast(targets.labels < self.classes, "float32")
        kinds = ops.one_hot(ops.maximum(targets.labels, 0), self.classes + 1, dtype="float32")
        wrong = -ops.sum(kinds * ops.log_softmax(said.logits), axis=-1)
        away = ops.sum(smooth_l1(targets.deltas, said.deltas, beta=1.0), axis=-1)
        second = ops.sum(there * wrong + own * away) / ops.maximum(ops.sum(there), 1)
        return first + second + self._of_masks(objects, masks, said, targets.objects)

    def _of_masks(self, objects, masks, said, owners):
        """The cross-entropy of the masks, a mean over cells and found objects."""
        found, chosen = ops.cast(owners >= 0, "float32"), ops.maximum(owners, 0)[..., None]
        taken = ops.take_along_axis(objects, chosen, axis=1)  # [B, D, 5]
        cells = ops.take_along_axis(masks, chosen, axis=1)
        corner = ops.tile(taken[..., :2], (1, 1, 2))
        sides = ops.maximum(ops.tile(taken[..., 2:4] - taken[..., :2], (1, 1, 2)), 1e-3)
        places = (said.found[..., :4] - corner) / sides * SIDE  # the found box in cells of the true one
        target = roi_align_each(ops.reshape(cells, (-1, self.most, SIDE, SIDE)), places, SIDE, 1)
        target = ops.cast(target >= 0.5, "float32")
        logits = self._of_class(said.masks, ops.cast(taken[..., 4], "int32"))
        wrong = ops.mean(binary_crossentropy(target, logits), axis=(-2, -1)) * found
        return ops.sum(wrong) / ops.maximum(ops.sum(found), 1)

    def _of_class(self, masks, labels):
        """The channel of each object's class, `[B, D, 28, 28]`."""
        chosen = ops.one_hot(ops.maximum(labels, 0), self.classes, dtype="float32")
        return ops.einsum("bdyxc,bdc->bdyx", masks, chosen)

    def decode(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(boxes `[B, D, 4]`, scores `[B, D]`, labels int `[B, D]`, masks `[B, D, 28, 28]`).

        By falling score. Boxes are in pixels; masks are probabilities, which `paste_masks` puts
        into a picture.

        Args:
            outputs: of the network.
        """
        said = self.parts(ops.convert_to_tensor(outputs))
        labels = ops.cast(said.found[..., 5], "int32")
        return said.found[..., :4], said.found[..., 4], labels, ops.sigmoid(self._of_class(said.masks, labels))


def _owners(boxes, objects):
    """(whether each box is an object's, the place of the one with the largest IoU), `[B, N]`."""
    there = (objects[..., 4] >= 0) & (area(objects[..., :4]) > 0)
    overlaps = ops.where(there[:, None], iou_matrix(boxes, objects[..., :4]), -1.0)  # [B, N, M]
    return ops.max(overlaps, axis=-1) >= OVERLAP, ops.argmax(overlaps, axis=-1)
