"""Augmentation of pictures together with their boxes and masks.

Layers of Keras 3.15 move boxes wrongly: RandomCrop exchanges the offsets of both axes and keeps the
labels of boxes that are gone, RandomShear shears relative coordinates. Here a box is moved with its
picture, and is as tight around its mask as it was before.
"""

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeVar

import numpy as np

from lab import validation
from lab.data.annotated_scenes import AnnotatedScenes
from lab.data.masks import VOID
from lab.data.scenes import Scenes, boxes_of
from lab.validation import Interval

GREY = 128  # of pixels that no picture covers

Pictures = TypeVar("Pictures", bound=Scenes | AnnotatedScenes)


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


def augment(scenes: Pictures, how: Augmentation, *, seed: int) -> Pictures:
    """Pictures changed at random, with the boxes, classes and masks of what is left.

    A crop is an enlargement with a shift. All moves of a picture are one affine map, so that it is
    sampled once, bilinearly. In a map of classes that has void pixels, what no picture covers is
    void.

    A box that was that of the object's mask is that of the moved mask. Others, of objects without a
    mask or half hidden, become the least boxes around their moved corners. A rotation makes these
    too large. A picture that is not moved keeps its boxes.

    Args:
        scenes: pictures with their objects, `Scenes` or `AnnotatedScenes`. With a mosaic the result
            has room for four times as many objects, at most 255.
        how: what is changed.
        seed: of all that is drawn.
    """
    rng = np.random.default_rng(seed)
    count, size = len(scenes.images), scenes.images.shape[1:3]
    if not count:
        return scenes
    most = scenes.labels.shape[1]
    room = max(most, min(4 * most, 255)) if how.mosaic else most
    made = []
    for index in range(count):
        if rng.uniform() < how.mosaic:
            others = [index, *rng.integers(0, count, 3)]
            made.append(_mosaic([_picture(scenes, other) for other in others], how, size, rng, room))
        else:
            made.append(_moved(_picture(scenes, index), _matrix(how, size, rng), how.least))
    images = np.stack([each.image for each in made])
    if how.colour:
        images = _coloured(images, how.colour, rng)
    fields: dict[str, Any] = {name: np.stack([each.maps[name] for each in made]) for name in made[0].maps}
    fields |= {name: np.stack([_padded(name, each.objects[name], room) for each in made]) for name in made[0].objects}
    made_anew: Any = scenes._replace(images=images, **fields)
    return made_anew


class _Picture(NamedTuple):
    """One picture with its objects, without padding."""

    image: np.ndarray  # uint8 [H, W, 3]
    maps: dict[str, np.ndarray]  # [H, W] each: instances, and the classes of pixels where they are kept apart
    objects: dict[str, np.ndarray]  # [N, ...] each: boxes, labels and more


OF_PIXELS = {"instances": 0, "semantic": VOID}  # {field: its value where no picture is}
OF_OBJECTS = ("boxes", "labels", "visible", "crowd", "masked")


def _picture(scenes, index):
    count = int((scenes.labels[index] >= 0).sum())
    fields = scenes._asdict()
    maps = {name: fields[name][index] for name in OF_PIXELS if fields.get(name) is not None}
    return _Picture(scenes.images[index], maps, {name: fields[name][index, :count] for name in OF_OBJECTS if name in fields})


def _padded(name, values, room):
    """A field of a picture's objects, for so many of them."""
    padded = np.full((room, *values.shape[1:]), -1 if name == "labels" else 0, values.dtype)
    padded[: len(values)] = values
    return padded


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
    if np.array_equal(matrix, np.eye(3)) and tuple(size) == picture.image.shape[:2]:
        return picture
    image = _sampled(picture.image, matrix, size, GREY, smooth=True)
    maps = {name: _sampled(values, matrix, size, OF_PIXELS[name], smooth=False) for name, values in picture.maps.items()}
    return _left(picture, image, maps, matrix, least)


def _sampled(values, matrix, size, fill, *, smooth):
    """uint8 `[H, W, ...]` under an affine map."""
    from PIL import Image

    back = np.linalg.inv(matrix)[:2].ravel().tolist()
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    filled = (fill,) * 3 if values.ndim == 3 else fill
    moved = Image.fromarray(values).transform((size[1], size[0]), Image.Transform.AFFINE, back, how, fillcolor=filled)
    return np.asarray(moved)


def _left(picture, image, maps, matrix, least):
    """The objects of a moved picture of which enough is left, numbered anew."""
    height, width = image.shape[:2]
    objects, instances = picture.objects, maps["instances"]
    count = len(objects["labels"])
    before = np.bincount(picture.maps["instances"].ravel(), minlength=count + 1)[1 : count + 1]
    after = np.bincount(instances.ravel(), minlength=count + 1)[1 : count + 1]
    corners = objects["boxes"][:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    places = corners @ matrix[:2, :2].T + matrix[:2, 2]
    whole = np.concatenate([places.min(axis=1), places.max(axis=1)], axis=1)
    boxes = np.clip(whole, 0, [width, height, width, height])
    share = _areas(boxes) / np.maximum(_areas(whole), 1e-9)
    masked = before > 0
    true = boxes_of(picture.maps["instances"], count)
    tight = masked & (np.abs(true - objects["boxes"]).max(axis=1, initial=0) < 1)
    boxes[tight] = boxes_of(instances, count)[tight]
    grown = abs(np.linalg.det(matrix[:2, :2]))
    share[masked] = np.minimum(after / np.maximum(before * grown, 1e-9), 1)[masked]
    kept = (_areas(boxes) > 0) & (share >= least)
    numbers = np.concatenate([[0], np.where(kept, np.cumsum(kept), 0)]).astype(instances.dtype)
    moved = objects | {"boxes": boxes.astype("float32"), "visible": (objects["visible"] * share).astype("float32")}
    return _Picture(image, maps | {"instances": numbers[instances]}, {name: part[kept] for name, part in moved.items()})


def _areas(boxes):
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)


def _mosaic(pictures, how, size, rng, room):
    """Four pictures, each in its own part around a random point, cut at the right and below."""
    height, width = size
    middle_x, middle_y = (round(side * rng.uniform(0.35, 0.65)) for side in (width, height))
    image = np.full((height, width, 3), GREY, "uint8")
    maps = {name: np.full((height, width), OF_PIXELS[name], values.dtype) for name, values in pictures[0].maps.items()}
    parts: list[dict[str, np.ndarray]] = []
    taken = 0
    for number, picture in enumerate(pictures):
        left, right = (0, middle_x) if number % 2 == 0 else (middle_x, width)
        top, bottom = (0, middle_y) if number < 2 else (middle_y, height)
        here = slice(top, bottom), slice(left, right)
        fit = max((right - left) / width, (bottom - top) / height)  # the part is filled, what does not fit is cut
        inside = np.array([[fit, 0, 0], [0, fit, 0], [0, 0, 1.0]])
        part = _moved(picture, inside @ _matrix(how, size, rng), how.least, (bottom - top, right - left))
        count = min(len(part.objects["labels"]), room - taken)
        image[here] = part.image
        for name, values in part.maps.items():
            maps[name][here] = values
        seen = part.maps["instances"]
        maps["instances"][here] = np.where((seen > 0) & (seen <= count), seen + taken, 0)
        moved = part.objects | {"boxes": part.objects["boxes"] + np.array([left, top, left, top], "float32")}
        parts.append({name: values[:count] for name, values in moved.items()})
        taken += count
    return _Picture(image, maps, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _coloured(images, most, rng):
    """uint8 pictures of other brightness, contrast, saturation and hue.

        x <- contrast (hue saturation x - 1/2) + 1/2 + brightness

    Hue turns colours around the grey axis, by at most a half turn.
    """
    from PIL import Image

    brightness, contrast, saturation, hue = rng.uniform(-most, most, (4, len(images)))
    grey = np.full((3, 3), 1 / 3)
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    changed = np.empty_like(images)
    for index, image in enumerate(images):
        cosine, sine = np.cos(np.pi * hue[index]), np.sin(np.pi * hue[index])
        turn = cosine * np.eye(3) + sine * axis + (1 - cosine) * grey  # Rodrigues
        saturate = (1 + saturation[index]) * (np.eye(3) - grey) + grey
        linear = (1 + contrast[index]) * turn @ saturate
        bias = 255 * (0.5 + brightness[index] - 0.5 * linear.sum(axis=1))
        rows = np.column_stack([linear, bias]).ravel().tolist()
        changed[index] = np.asarray(Image.fromarray(image).convert("RGB", rows))
    return changed
