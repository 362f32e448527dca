"""CenterNet: objects as points, at the peaks of a heat map."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.losses.focal import penalty_reduced_focal
from lab.models.blocks import Blocks
from lab.vision.detector import Detector
from lab.vision.pyramid import feature_pyramid, maps_at

PRIOR = -2.19  # the first logit of each heat: a probability of 0.1
MOST = 100  # detections of a picture


class Targets(NamedTuple):
    """What CenterNet should say of a picture."""

    heat: Tensor  # [B, h, w, classes], 1 at centres
    cells: Tensor  # int [B, M]: the cell of each object's centre, y w + x
    offsets: Tensor  # [B, M, 2]: x, y of the centre within its cell, 0..1
    sizes: Tensor  # [B, M, 2]: width and height, in cells
    there: Tensor  # [B, M]: 1 where there is an object


class CenterNet(Detector):
    """A detector of the centres of objects (Zhou, Wang and Kraehenbuehl 2019, "Objects as points").

    At each cell of a map, a quarter as wide as the picture, the network says how probable a centre
    of each class is, where in the cell it is, and how wide and high the object is. A peak is a
    cell that no neighbour exceeds. There are no anchors, and boxes need no suppression.

    Difference from the paper: maps of a feature pyramid in place of deconvolutions.

    Args:
        backbone: a network of images such as `lab.models.resnet`, with maps at `strides`.
        classes: number of classes.
        strides: from fine to coarse, each twice the one before. The first is the heat map's.
        channels: of the pyramid and the heads.
        seed: of the initial weights of pyramid and heads.
    """

    def __init__(
        self,
        backbone: keras.Model,
        classes: int,
        *,
        strides: tuple[int, ...] = (4, 8, 16),
        channels: int = 64,
        seed: int,
    ) -> None:
        size = backbone.inputs[0].shape[1:3]
        self.configure(size=size, classes=classes, stride=strides[0])
        for_pyramid, for_heads = map(int, np.random.SeedSequence(seed).generate_state(2))
        self.maps = feature_pyramid(maps_at(backbone, strides), channels, seed=for_pyramid)[0]
        blocks = Blocks(for_heads)
        outputs = []
        for name, numbers, bias in (("heat", classes, PRIOR), ("offset", 2, 0.5), ("size", 2, 2.0)):
            blocks.begin(name)
            last = keras.layers.Conv2D(
                numbers,
                1,
                kernel_initializer=keras.initializers.RandomNormal(stddev=0.01, seed=blocks.seed()),
                bias_initializer=keras.initializers.Constant(bias),
                dtype="float32",
                name=blocks.name("conv"),
            )
            outputs.append(last(blocks.unit(self.maps, channels)))
        joined = keras.layers.Concatenate(name="outputs", dtype="float32")(outputs)
        self.network = keras.Model(backbone.inputs[0], joined, name="centernet")

    def configure(self, *, size: Sequence[int], classes: int, stride: int) -> None:
        """See `Detector`."""
        self.settings = {"size": list(size), "classes": classes, "stride": stride}
        self.classes = validation.integer("classes", classes)
        self.stride = stride
        self.shape = size[0] // stride, size[1] // stride  # of the heat map

    def assign(self, objects: Tensor, outputs: Tensor | None = None) -> Targets:
        """The targets of objects `[B, M, 5]`: left, top, right, bottom, class; -1 for none.

        The heat of an object is a Gaussian around its cell. Its radius is such that a box of the
        same size whose corners move by it keeps IoU 0.7 (Law and Deng 2018). Its standard deviation
        is (2 radius + 1) / 6. The authors' code rounds the radius down and cuts the Gaussian off.
        """
        there = ops.cast(objects[..., 4] >= 0, "float32")
        boxes = ops.where(there[..., None] > 0, objects[..., :4], 0) / self.stride
        sizes = ops.maximum(boxes[..., 2:] - boxes[..., :2], 0)
        bounds = ops.convert_to_tensor([self.shape[1], self.shape[0]], dtype="float32")
        centres = ops.clip((boxes[..., :2] + boxes[..., 2:]) / 2, 0, bounds - 1e-3)
        corners = ops.floor(centres)
        cells = ops.cast(corners[..., 1] * self.shape[1] + corners[..., 0], "int32")
        sigma = (2 * radius(sizes) + 1) / 6  # [B, M]
        x, y = ops.arange(self.shape[1], dtype="float32"), ops.arange(self.shape[0], dtype="float32")
        across = ops.square(x - corners[..., :1]) / (2 * ops.square(sigma)[..., None])  # [B, M, w]
        down = ops.square(y - corners[..., 1:]) / (2 * ops.square(sigma)[..., None])  # [B, M, h]
        each = ops.exp(-down[..., :, None] - across[..., None, :]) * there[..., None, None]  # [B, M, h, w]
        classes = ops.one_hot(ops.cast(ops.maximum(objects[..., 4], 0), "int32"), self.classes, dtype="float32")

        def add(index, heat):
            one = ops.take(each, index, axis=1)[..., None]
            return ops.maximum(heat, one * ops.take(classes, index, axis=1)[:, None, None])

        nothing = ops.zeros_like(each[:, 0, :, :, None] * classes[:, 0, None, None])
        heat = ops.fori_loop(0, objects.shape[1], add, nothing)  # object by object, for memory's sake
        return Targets(heat, cells, centres - corners, sizes, there)

    def loss(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Heat + |offset| + 0.1 |size|, each a mean over the objects; a scalar.

        Args:
            y_true: objects `[B, M, 5]`, as of `assign`.
            y_pred: outputs of the network `[B, h, w, classes + 4]`.
        """
        targets = self.assign(y_true)
        count = ops.maximum(ops.sum(targets.there), 1)
        heat = ops.sum(penalty_reduced_focal(targets.heat, y_pred[..., : self.classes]))
        said = at_cells(y_pred[..., self.classes :], targets.cells)  # [B, M, 4]
        offset, size = (
            ops.sum(ops.abs(part - truth) * targets.there[..., None])
            for part, truth in ((said[..., :2], targets.offsets), (said[..., 2:], targets.sizes))
        )
        return (heat + offset + 0.1 * size) / count

    def decode(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(boxes `[B, K, 4]` in pixels, scores `[B, K]`, labels int `[B, K]`), by falling score.

        Args:
            outputs: of the network.
        """
        cells, scores, labels = self.peaks(outputs)
        return self.boxes(outputs, cells), scores, labels

    def peaks(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(cells int `[B, K]`, scores `[B, K]`, labels int `[B, K]`) of the highest peaks."""
        heat = ops.sigmoid(outputs[..., : self.classes])
        peaks = ops.where(ops.equal(heat, ops.max_pool(heat, 3, 1, "same")), heat, 0)
        scores, places = ops.top_k(ops.reshape(peaks, (-1, self.shape[0] * self.shape[1] * self.classes)), self.most)
        return places // self.classes, scores, places % self.classes

    def boxes(self, outputs: Tensor, cells: Tensor) -> Tensor:
        """The boxes `[B, K, 4]`, in pixels, of objects whose centres are in cells `[B, K]`."""
        said = at_cells(outputs[..., self.classes : self.classes + 4], cells)
        corners = ops.cast(ops.stack([cells % self.shape[1], cells // self.shape[1]], axis=-1), "float32")
        centres, sizes = corners + said[..., :2], ops.maximum(said[..., 2:], 0)
        return ops.concatenate([centres - sizes / 2, centres + sizes / 2], axis=-1) * self.stride

    @property
    def most(self) -> int:
        """The number of detections of a picture, K."""
        return min(MOST, self.shape[0] * self.shape[1] * self.classes)


def at_cells(maps: Tensor, cells: Tensor) -> Tensor:
    """What maps `[B, h, w, C]` say at cells y w + x, integers `[B, K]`: `[B, K, C]`."""
    _, height, width, channels = maps.shape
    return ops.take_along_axis(ops.reshape(maps, (-1, height * width, channels)), cells[..., None], axis=1)


def radius(sizes: Tensor, overlap: float = 0.7) -> Tensor:
    """How far both corners of a box may move, each by so much in both axes, to keep an IoU.

    The least of three: the box is moved; it grows within; it grows without. Each is a root of a
    quadratic equation. Source: Law and Deng 2018, section 3.2.

    Args:
        sizes: width and height, `[..., 2]`.
        overlap: IoU, in 0..1.

    Returns:
        `[...]`, 0 for an empty box.
    """
    width, height = sizes[..., 0], sizes[..., 1]
    both, whole = width + height, width * height
    # Moved by r: (w - r)(h - r) / (2 w h - (w - r)(h - r)) = IoU
    moved = _smaller_root(1.0, both, whole * (1 - overlap) / (1 + overlap))
    # Within: (w - 2 r)(h - 2 r) / (w h) = IoU
    within = _smaller_root(4.0, 2 * both, whole * (1 - overlap))
    # Without: w h / ((w + 2 r)(h + 2 r)) = IoU
    without = (-2 * both + ops.sqrt(4 * both**2 + 16 * whole * (1 / overlap - 1))) / 8
    return ops.minimum(ops.minimum(moved, within), without)


def _smaller_root(a, b, c):
    """The smaller root of a x^2 - b x + c = 0."""
    return (b - ops.sqrt(ops.maximum(b**2 - 4 * a * c, 0))) / (2 * a)
