"""DETR: a set of objects from a Transformer, matched with the true ones one to one."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
from keras import ops
from scipy.optimize import linear_sum_assignment

from lab import engine, validation
from lab.engine.types import Tensor
from lab.layers import LearntPositions
from lab.vision.boxes import generalized_iou
from lab.vision.detector import Detector
from lab.vision.pyramid import maps_at

CLASS, DISTANCE, OVERLAP = 1.0, 5.0, 2.0  # weights of the matching's costs; the last two are of the loss too
NO_OBJECT = 0.1  # weight of an answer that should be "nothing"


class Targets(NamedTuple):
    """Which answer each object gets."""

    queries: Tensor  # int [B, M]: the query that is matched with each object; without meaning where there is none
    there: Tensor  # [B, M]: 1 where there is an object


class DETR(Detector):
    """A detector without anchors and without suppression (Carion et al. 2020).

    An encoder mixes all places of a map. A decoder turns `queries` learnt vectors into as many
    answers, each a class or "nothing" and a box. Objects and answers are matched so that the sum of
    the costs is least (Kuhn 1955, by SciPy):

        cost = -p(class) + 5 |box - box'|_1 - 2 GIoU

    Boxes are middle x, y, width and height as shares of the picture. Every layer of the decoder
    answers and has a loss; the last one is decoded.

    Differences from the paper: normalisation before each part, which learns without pretraining;
    queries are the decoder's first vectors; no dropout by default; the stride is an argument (32 in
    the paper); one step size for all weights.

    Args:
        backbone: a network of images such as `lab.models.resnet`, with a map at `stride`.
        classes: number of classes.
        stride: of the map.
        queries: answers of a picture, more than there are objects.
        size: numbers of a vector, a multiple of 4 and of `heads`.
        heads: of each attention.
        layers: of the encoder and of the decoder.
        dropout: of each part's output.
        seed: of the initial weights.
    """

    def __init__(
        self,
        backbone: keras.Model,
        classes: int,
        *,
        stride: int = 16,
        queries: int = 25,
        size: int = 128,
        heads: int = 4,
        layers: int = 3,
        dropout: float = 0.0,
        seed: int,
    ) -> None:
        self.configure(picture=backbone.inputs[0].shape[1:3], classes=classes, queries=queries)
        if size % 4 or size % heads:
            raise ValueError(f"size: expected a multiple of 4 and of heads, {heads}, received {size}.")
        parts = _Parts(size, heads, dropout, seed)
        (found,) = maps_at(backbone, (stride,))
        places = ops.convert_to_tensor(sine_positions(found.shape[1], found.shape[2], size))
        x = ops.reshape(parts.dense(size, "projected")(found), (-1, found.shape[1] * found.shape[2], size))
        for layer in range(layers):
            x = parts.encoded(x, places, f"encoder{layer + 1}")
        memory = parts.norm("encoded")(x)
        start = ops.zeros_like(ops.repeat(memory[:, :1], queries, axis=1))
        y = LearntPositions(queries, seed=parts.seed(), name="queries")(start)
        y = parts.norm("queries_norm")(y)
        classify, locate, norm = parts.dense(classes + 1, "classes", "float32"), parts.perceptron(), parts.norm("decoded")
        answers = []
        for layer in range(layers):
            y = parts.decoded(y, memory, places, f"decoder{layer + 1}")
            z = norm(y)
            answers.append(ops.concatenate([classify(z), ops.sigmoid(locate(z))], axis=-1))
        self.network = keras.Model(backbone.inputs[0], ops.stack(answers, axis=1), name="detr")

    def configure(self, *, picture: Sequence[int], classes: int, queries: int) -> None:
        """See `Detector`."""
        self.settings = {"picture": list(picture), "classes": classes, "queries": queries}
        self.classes = validation.integer("classes", classes)
        self.queries = validation.integer("queries", queries)
        self.height, self.width = picture

    def assign(self, objects: Tensor, outputs: Tensor | None = None) -> Targets:
        """The cheapest matching of objects `[B, M, 5]` with the answers of one layer.

        Args:
            objects: left, top, right, bottom, class; -1 for none. M is at most the queries.
            outputs: of one layer, `[B, Q, classes + 5]`.
        """
        if outputs is None:
            raise ValueError("outputs: expected those of the network, for DETR matches with them, received none.")
        if objects.shape[1] > self.queries:
            raise ValueError(f"queries: expected at least one for each of {objects.shape[1]} objects, received {self.queries}.")
        there = ops.cast(objects[..., 4] >= 0, "float32")
        probabilities = ops.softmax(outputs[..., : self.classes + 1], axis=-1)
        labels = ops.cast(ops.maximum(objects[..., 4], 0), "int32")
        of_class = ops.take_along_axis(probabilities, labels[:, None], axis=2)  # [B, Q, M]
        true, said = self.shares(objects[..., :4])[:, None], outputs[:, :, None, self.classes + 1 :]
        distance = ops.sum(ops.abs(said - true), axis=-1)
        overlap = generalized_iou(_corners(said), _corners(true))
        costs = DISTANCE * distance - OVERLAP * overlap - CLASS * of_class
        (queries,) = engine.host_call(_cheapest, [(objects.shape[:2], "int32")], costs, there)
        return Targets(queries, there)

    def shares(self, boxes: Tensor) -> Tensor:
        """Boxes in pixels as middle x, y, width, height in shares of the picture, `[..., 4]`."""
        whole = np.array([self.width, self.height], "float32")
        low, high = boxes[..., :2] / whole, boxes[..., 2:] / whole
        return ops.concatenate([(low + high) / 2, high - low], axis=-1)

    def loss(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Cross-entropy + 5 |box| - 2 GIoU + 2, summed over the layers; a scalar.

        The cross-entropy is a mean with weight 0.1 for "nothing". The others are means over the
        objects.

        Args:
            y_true: objects `[B, M, 5]`, as of `assign`.
            y_pred: outputs of the network `[B, layers, Q, classes + 5]`.
        """
        return sum(self._layer_loss(y_true, y_pred[:, layer]) for layer in range(y_pred.shape[1]))

    def _layer_loss(self, objects, outputs):
        """The loss of one layer's answers `[B, Q, classes + 5]`."""
        targets = self.assign(objects, outputs)
        there = targets.there
        matched = ops.one_hot(targets.queries, self.queries, dtype="float32") * there[..., None]  # [B, M, Q]
        labels = ops.cast(ops.maximum(objects[..., 4], 0), "int32")
        wanted = ops.einsum("bmq,bmc->bqc", matched, ops.one_hot(labels, self.classes, dtype="float32"))
        nothing = 1 - ops.sum(wanted, axis=-1, keepdims=True)
        wanted = ops.concatenate([wanted, nothing], axis=-1)
        weights = 1 - (1 - NO_OBJECT) * nothing[..., 0]
        crossed = -ops.sum(wanted * ops.log_softmax(outputs[..., : self.classes + 1], axis=-1), axis=-1)
        said = ops.take_along_axis(outputs[..., self.classes + 1 :], targets.queries[..., None], axis=1)  # [B, M, 4]
        true = self.shares(objects[..., :4])
        away = DISTANCE * ops.sum(ops.abs(said - true), axis=-1)
        apart = OVERLAP * (1 - generalized_iou(_corners(said), _corners(true)))
        box = ops.sum(ops.where(there > 0, away + apart, 0)) / ops.maximum(ops.sum(there), 1)
        return ops.sum(weights * crossed) / ops.sum(weights) + box

    def decode(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(boxes `[B, Q, 4]` in pixels, scores `[B, Q]`, labels int `[B, Q]`), by falling score.

        Args:
            outputs: of the network; the last layer's count.
        """
        last = ops.convert_to_tensor(outputs)[:, -1]
        probabilities = ops.softmax(last[..., : self.classes + 1], axis=-1)[..., : self.classes]
        best, classes = (part[..., 0] for part in ops.top_k(probabilities, 1))  # ONNX has no argmax of Keras
        scores, order = ops.top_k(best, self.queries)
        labels = ops.take_along_axis(classes, order, axis=1)
        boxes = _corners(last[..., self.classes + 1 :]) * np.array([self.width, self.height] * 2, "float32")
        return ops.take_along_axis(boxes, order[..., None], axis=1), scores, labels


class _Parts:
    """Makes the layers of DETR's Transformer, each with a seed of its own."""

    def __init__(self, size, heads, dropout, seed):
        self.size, self.heads, self.dropout = size, heads, dropout
        self.seeds = np.random.SeedSequence(seed)

    def seed(self):
        return int(self.seeds.spawn(1)[0].generate_state(1)[0])

    def dense(self, units, name, dtype=None, activation=None):
        start = keras.initializers.GlorotUniform(self.seed())
        return keras.layers.Dense(units, activation, kernel_initializer=start, dtype=dtype, name=name)

    def norm(self, name):
        return keras.layers.LayerNormalization(epsilon=1e-5, name=name)

    def perceptron(self):
        """From an answer to the logits of its box."""
        layers = [self.dense(self.size, f"box{number}", activation="relu") for number in (1, 2)]
        return keras.Sequential([*layers, self.dense(4, "box", "float32")], name="boxes")

    def added(self, x, y, name):
        if self.dropout:
            y = keras.layers.Dropout(self.dropout, seed=self.seed(), name=f"{name}_dropout")(y)
        return keras.layers.Add(name=f"{name}_added")([x, y])

    def attended(self, query, key, value, name):
        """Attention of several heads. Keras's layer would start all its maps with one seed."""
        shapes = (query, "query"), (key, "key"), (value, "value")
        split = [
            ops.reshape(self.dense(self.size, f"{name}_{part}")(x), (-1, x.shape[1], self.heads, self.size // self.heads))
            for x, part in shapes
        ]
        mixed = ops.reshape(ops.dot_product_attention(*split), (-1, query.shape[1], self.size))
        return self.dense(self.size, f"{name}_output")(mixed)

    def forward(self, x, name):
        """x + W_2 relu(W_1 norm(x))."""
        y = self.dense(4 * self.size, f"{name}_hidden", activation="relu")(self.norm(f"{name}_norm")(x))
        return self.added(x, self.dense(self.size, f"{name}_back")(y), name)

    def encoded(self, x, places, name):
        """A layer of the encoder. Positions are added to queries and keys."""
        y = self.norm(f"{name}_attention_norm")(x)
        x = self.added(x, self.attended(y + places, y + places, y, f"{name}_attention"), f"{name}_attention")
        return self.forward(x, f"{name}_forward")

    def decoded(self, x, memory, places, name):
        """A layer of the decoder: answers look at each other, then at the places."""
        y = self.norm(f"{name}_self_norm")(x)
        x = self.added(x, self.attended(y, y, y, f"{name}_self"), f"{name}_self")
        y = self.norm(f"{name}_cross_norm")(x)
        x = self.added(x, self.attended(y, memory + places, memory, f"{name}_cross"), f"{name}_cross")
        return self.forward(x, f"{name}_forward")


def sine_positions(height: int, width: int, size: int) -> np.ndarray:
    """Vectors of the places of a map, in rows, `[height width, size]` float32.

    The first half is of y, the second of x, each sines and cosines of size / 4 frequencies:

        sin(2 pi y / height / 10000^(4 i / size))

    Source: Carion et al. 2020, section A.4.
    """
    frequencies = 10_000.0 ** (-4 * np.arange(size // 4) / size)
    parts = []
    for count in (height, width):
        angles = 2 * np.pi * (np.arange(count) + 0.5)[:, None] / count * frequencies
        parts.append(np.concatenate([np.sin(angles), np.cos(angles)], axis=1))
    down, across = parts
    both = [np.repeat(down, width, axis=0), np.tile(across, (height, 1))]
    return np.concatenate(both, axis=1).astype("float32")


def _corners(boxes):
    """Middle, width and height -> left, top, right, bottom."""
    half = ops.maximum(boxes[..., 2:], 0) / 2
    return ops.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], axis=-1)


def _cheapest(costs, there):
    """The query of each object `[B, M]`, of costs `[B, Q, M]`."""
    found = np.zeros(there.shape, "int32")
    for picture, present in enumerate(there > 0):
        # A network that diverged gets any matching. Its loss is nan, and that ends the run.
        known = np.where(np.isfinite(costs[picture]), costs[picture], 1e9)
        rows, columns = linear_sum_assignment(known[:, present])
        found[picture, np.flatnonzero(present)[columns]] = rows
    return [found]
