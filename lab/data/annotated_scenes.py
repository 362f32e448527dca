"""Annotated pictures as arrays of one size, for detectors and segmenters."""

from typing import NamedTuple

import numpy as np

from lab import validation
from lab.data.annotations import Annotated, Picture
from lab.data.letterboxes import Letterbox
from lab.data.masks import VOID
from lab.metrics.average_precision import Objects


class AnnotatedScenes(NamedTuple):
    """Letterboxed pictures with their objects. The fields of `Scenes` are here under their names.

    Objects need not have masks. What has none is not in `instances`.
    """

    images: np.ndarray  # uint8 [N, H, W, 3]; M is the greatest number of objects, at least 1
    instances: np.ndarray  # uint8 or uint16 [N, H, W]: i + 1 where the mask of object i is seen, else 0
    boxes: np.ndarray  # float32 [N, M, 4]: left, top, right, bottom; 0 where there is no object
    labels: np.ndarray  # int32 [N, M]: the class; -1 where there is no object
    visible: np.ndarray  # float32 [N, M]: the share of a mask that no other hides; 1 without a mask
    crowd: np.ndarray  # bool [N, M]: not to be found, but no fault if found
    masked: np.ndarray  # bool [N, M]: whether the object has a mask
    semantic: np.ndarray | None  # uint8 [N, H, W]: the class plus 1, 0 background, 255 void; None without masks
    letterboxes: tuple[Letterbox, ...]  # [N]

    def objects(self, index: int) -> Objects:
        """The objects of a picture. `masks` is None unless every object has one."""
        count = int((self.labels[index] >= 0).sum())
        masks = None
        if self.masked[index, :count].all():
            masks = self.instances[index] == np.arange(1, count + 1)[:, None, None]
        return Objects(self.boxes[index, :count], self.labels[index, :count], masks, self.crowd[index, :count])


def load_annotated(annotated: Annotated, size: int, *, most: int | None = None) -> AnnotatedScenes:
    """Reads the pictures into squares. Their aspect is kept, and grey bars fill the rest.

    Where masks overlap, the smaller one is seen, and crowds lie behind all others. A mask that
    would have no pixel at this size has the one at the centre of its box.

    In `semantic`, bars are void, and so is what is void in the annotation. The box of an object
    without a mask is void where no mask of another is: nobody knows which of its pixels are the
    object's. Without any masks in the folder, and with more than 254 classes, `semantic` is None.

    Args:
        annotated: of `lab.data.annotated`, or a part of it.
        size: pixels on a side.
        most: M, the greatest number of objects of a picture. The largest are kept, in their
            order. None keeps all.
    """
    size = validation.integer("size", size)
    if not annotated.pictures:
        raise ValueError("annotated: expected at least one picture, received none.")
    if most is None:
        most = max(1, *(len(picture.labels) for picture in annotated.pictures))
    most = validation.integer("most", most)
    count = len(annotated.pictures)
    kinds = {
        "images": ((size, size, 3), "uint8", 0),
        "instances": ((size, size), np.min_scalar_type(most), 0),
        "boxes": ((most, 4), "float32", 0),
        "labels": ((most,), "int32", -1),
        "visible": ((most,), "float32", 0),
        "crowd": ((most,), bool, False),
        "masked": ((most,), bool, False),
    }
    arrays = {name: np.full((count, *shape), value, kind) for name, (shape, kind, value) in kinds.items()}
    has_classes = annotated.has_masks and len(annotated.classes) < VOID
    semantic = np.zeros((count, size, size), "uint8") if has_classes else None
    letterboxes = tuple(Letterbox.within(picture.size, size) for picture in annotated.pictures)
    for index, (picture, letterbox) in enumerate(zip(annotated.pictures, letterboxes)):
        arrays["images"][index] = letterbox.picture_there(picture.image())
        instances, visible = _instances(picture, letterbox)
        kept = _largest(picture.boxes, most)
        renumbered = np.zeros(len(picture.labels) + 1, int)
        renumbered[kept + 1] = np.arange(1, len(kept) + 1)
        arrays["instances"][index] = renumbered[instances]
        here = index, slice(len(kept))
        arrays["boxes"][here] = letterbox.boxes_there(picture.boxes[kept])
        arrays["labels"][here] = picture.labels[kept]
        arrays["visible"][here] = visible[kept]
        arrays["crowd"][here] = picture.crowd[kept]
        arrays["masked"][here] = [picture.shapes[which] is not None for which in kept]
        if semantic is not None:
            semantic[index] = _semantic(picture, letterbox, instances)
    return AnnotatedScenes(**arrays, semantic=semantic, letterboxes=letterboxes)


def _largest(boxes, most):
    """The indices of the largest boxes, rising."""
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.sort(np.argsort(-areas, kind="stable")[:most])


def _instances(picture: Picture, letterbox: Letterbox) -> tuple[np.ndarray, np.ndarray]:
    """(i + 1 where the mask of object i is seen `[H, W]`, the share of it that is seen `[N]`)."""
    instances = np.zeros(letterbox.canvas[::-1], int)
    masks = {index: shape.mask(letterbox) for index, shape in enumerate(picture.shapes) if shape is not None}
    boxes = letterbox.boxes_there(picture.boxes)
    for index, mask in masks.items():
        if not mask.any():
            column, row = (boxes[index, :2] + boxes[index, 2:]) / 2
            mask[int(row), int(column)] = True
    pixels = {index: int(mask.sum()) for index, mask in masks.items()}
    for index in sorted(masks, key=lambda index: (not picture.crowd[index], -pixels[index])):
        instances[masks[index]] = index + 1
    visible = np.ones(len(picture.labels))
    seen = np.bincount(instances.ravel(), minlength=len(visible) + 1)[1:]
    for index, whole in pixels.items():
        visible[index] = seen[index] / whole
    return instances, visible


def _semantic(picture, letterbox, instances):
    """The class plus 1 of each pixel, 0 for background, 255 for void."""
    if picture.regions is not None:
        return picture.regions.classes(letterbox)
    classes = np.append(0, picture.labels + 1).astype("uint8")[instances]
    for box, shape in zip(letterbox.boxes_there(picture.boxes), picture.shapes):
        if shape is None:
            (left, top), (right, bottom) = np.floor(box[:2]).astype(int), np.ceil(box[2:]).astype(int)
            part = np.s_[top:bottom, left:right]
            classes[part][instances[part] == 0] = VOID
    around = np.full_like(classes, VOID)
    around[letterbox.inside] = classes[letterbox.inside]
    return around
