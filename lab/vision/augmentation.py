"""Augmentation of pictures together with their boxes and masks.

Layers of Keras 3.15 move boxes wrongly: RandomCrop exchanges the offsets of both axes and keeps the
labels of boxes that are gone, RandomShear shears relative coordinates. Here the box of an object
with a mask is that of its moved mask.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from lab import validation
from lab.data.scenes import Scenes, boxes_of
from lab.validation import Interval

GREY = 114  # of pixels that no picture covers


@dataclass(frozen=True)
class Augmentation:
    """How pictures are changed. The default changes nothing."""

    flip: Annotated[float, Interval(0, 1)] = 0.0
    """Share of the pictures that are mirrored."""
    scale: Annotated[float, Interval(1, 10)] = 1.0
    """A picture is enlarged by a factor from 1 / scale to scale, drawn log-uniformly."""
    shift: Annotated[float, Interval(0, 1)] = 0.0
    """The greatest shift in both axes, as a share of the side."""
    rotation: Annotated[float, Interval(0, 180)] = 0.0
    """The greatest rotation to either side, in degrees."""
    shear: Annotated[float, Interval(0, 45)] = 0.0
    """The greatest shear, in degrees."""
    colour: Annotated[float, Interval(0, 1)] = 0.0
    """The greatest change of brightness, contrast, saturation and hue, as shares."""
    mosaic: Annotated[float, Interval(0, 1)] = 0.0
    """Share of the pictures that are put together of four (Bochkovskiy et al. 2020)."""
    least: Annotated[float, Interval(0, 1)] = 0.3
    """The least share of an object that must be left inside. Else the object is gone."""

    def __post_init__(self) -> None:
        validation.check_fields(self)


def augment(scenes: Scenes, how: Augmentation, *, seed: int) -> Scenes:
    """Pictures changed at random, with the boxes, classes and masks of what is left.

    A crop is an enlargement with a shift. All moves of a picture are one affine map, so that it is
    sampled once, bilinearly. Boxes of objects without a mask are the least boxes around their moved
    corners.

    Args:
        scenes: pictures with their objects. With a mosaic the result has room for four times as
            many objects, at most 255.
        how: what is changed.
        seed: of all that is drawn.
    """
    rng = np.random.default_rng(seed)
    count, size = len(scenes.images), scenes.images.shape[1:3]
    most = scenes.labels.shape[1]
    room = min(4 * most, 255) if how.mosaic else most
    made = []
    for index in range(count):
        if rng.uniform() < how.mosaic:
            others = [index, *rng.integers(0, count, 3)]
            made.append(_mosaic([_picture(scenes, other) for other in others], how, size, rng, room))
        else:
            made.append(_moved(_picture(scenes, index), _matrix(how, size, rng), how.least))
    images = np.stack([each.image for each in made]) if made else scenes.images
    if how.colour:
        images = _coloured(images, how.colour, rng)
    fields = zip(*(_padded(each, room) for each in made))
    return Scenes(images, *(np.stack(field) for field in fields)) if made else scenes


class _Picture:
    """One picture with its objects, without padding."""

    def __init__(self, image, instances, boxes, labels, visible):
        self.image, self.instances, self.boxes, self.labels, self.visible = image, instances, boxes, labels, visible


def _picture(scenes, index):
    count = int((scenes.labels[index] >= 0).sum())
    parts = (part[index, :count] for part in (scenes.boxes, scenes.labels, scenes.visible))
    return _Picture(scenes.images[index], scenes.instances[index], *parts)


def _padded(picture, room):
    """Instances, boxes, labels and visible shares of a picture, for so many objects."""
    count = len(picture.labels)
    boxes, labels, visible = np.zeros((room, 4), "float32"), np.full(room, -1, "int32"), np.zeros(room, "float32")
    boxes[:count], labels[:count], visible[:count] = picture.boxes, picture.labels, picture.visible
    return picture.instances, boxes, labels, visible


def _matrix(how, size, rng):
    """A random affine map (x, y, 1) -> (x, y, 1) of the pixels of a picture, around its middle."""
    height, width = size
    angle, shear = np.deg2rad(rng.uniform(-1, 1, 2) * (how.rotation, how.shear))
    factor = np.exp(rng.uniform(-1, 1) * np.log(how.scale))
    mirror = -1.0 if rng.uniform() < how.flip else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = factor * turn @ np.array([[1, np.tan(shear)], [0, 1]]) @ np.diag([mirror, 1.0])
    middle = np.array([width, height]) / 2
    moved = middle - linear @ middle + rng.uniform(-1, 1, 2) * how.shift * (width, height)
    return np.vstack([np.column_stack([linear, moved]), [0, 0, 1]])


def _moved(picture, matrix, least, size=None):
    """A picture under an affine map, with the objects that are left in it."""
    size = size or picture.image.shape[:2]
    image = _sampled(picture.image, matrix, size, GREY, smooth=True)
    instances = _sampled(picture.instances, matrix, size, 0, smooth=False)
    return _left(picture, image, instances, matrix, least)


def _sampled(values, matrix, size, fill, *, smooth):
    """uint8 `[H, W, ...]` under an affine map."""
    from PIL import Image

    if np.array_equal(matrix, np.eye(3)) and values.shape[:2] == tuple(size):
        return values
    back = np.linalg.inv(matrix)[:2].ravel().tolist()
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    filled = (fill,) * 3 if values.ndim == 3 else fill
    moved = Image.fromarray(values).transform((size[1], size[0]), Image.Transform.AFFINE, back, how, fillcolor=filled)
    return np.asarray(moved)


def _left(picture, image, instances, matrix, least):
    """The objects of a moved picture of which enough is left, numbered anew."""
    height, width = image.shape[:2]
    count = len(picture.labels)
    before = np.bincount(picture.instances.ravel(), minlength=count + 1)[1 : count + 1]
    after = np.bincount(instances.ravel(), minlength=count + 1)[1 : count + 1]
    corners = picture.boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    places = corners @ matrix[:2, :2].T + matrix[:2, 2]
    whole = np.concatenate([places.min(axis=1), places.max(axis=1)], axis=1)
    boxes = np.clip(whole, 0, [width, height, width, height])
    share = _areas(boxes) / np.maximum(_areas(whole), 1e-9)
    masked = before > 0
    boxes[masked] = boxes_of(instances, count)[masked]
    grown = abs(np.linalg.det(matrix[:2, :2]))
    share[masked] = np.minimum(after / np.maximum(before * grown, 1e-9), 1)[masked]
    kept = (_areas(boxes) > 0) & (share >= least)
    numbers = np.concatenate([[0], np.where(kept, np.cumsum(kept), 0)]).astype("uint8")
    visible = picture.visible * share
    return _Picture(image, numbers[instances], *(part[kept] for part in (boxes, picture.labels, visible)))


def _areas(boxes):
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)


def _mosaic(pictures, how, size, rng, room):
    """Four pictures, each in its own part around a random point."""
    height, width = size
    middle_x, middle_y = (round(side * rng.uniform(0.35, 0.65)) for side in (width, height))
    image, instances = np.full((height, width, 3), GREY, "uint8"), np.zeros((height, width), "uint8")
    parts: list[_Picture] = []
    taken = 0
    for number, picture in enumerate(pictures):
        left, right = (0, middle_x) if number % 2 == 0 else (middle_x, width)
        top, bottom = (0, middle_y) if number < 2 else (middle_y, height)
        fit = max((right - left) / width, (bottom - top) / height)  # the part is filled, what does not fit is cut
        inside = np.array([[fit, 0, 0], [0, fit, 0], [0, 0, 1.0]])
        part = _moved(picture, inside @ _matrix(how, size, rng), how.least, (bottom - top, right - left))
        count = min(len(part.labels), room - taken)
        part.boxes += np.array([left, top, left, top], "float32")
        image[top:bottom, left:right] = part.image
        seen = (part.instances > 0) & (part.instances <= count)
        instances[top:bottom, left:right] = np.where(seen, part.instances + taken, 0)
        parts.append(_Picture(None, None, part.boxes[:count], part.labels[:count], part.visible[:count]))
        taken += count
    together = (np.concatenate([getattr(part, name) for part in parts]) for name in ("boxes", "labels", "visible"))
    return _Picture(image, instances, *together)


def _coloured(images, most, rng):
    """uint8 pictures of other brightness, contrast, saturation and hue.

        x <- contrast (hue saturation x - 1/2) + 1/2 + brightness

    Hue turns colours around the grey axis, by at most a half turn.
    """
    brightness, contrast, saturation, hue = rng.uniform(-most, most, (4, len(images)))
    grey = np.full((3, 3), 1 / 3)
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    changed = np.empty_like(images)
    for index, image in enumerate(images):
        cosine, sine = np.cos(np.pi * hue[index]), np.sin(np.pi * hue[index])
        turn = cosine * np.eye(3) + sine * axis + (1 - cosine) * grey  # Rodrigues
        saturate = (1 + saturation[index]) * (np.eye(3) - grey) + grey
        linear = ((1 + contrast[index]) * turn @ saturate).astype("float32")
        moved = (image / np.float32(255) - np.float32(0.5)) @ linear.T + np.float32(0.5 + brightness[index])
        changed[index] = np.round(255 * np.clip(moved, 0, 1))
    return changed
