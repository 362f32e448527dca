"""MaskCenterNet: objects as points, each with its mask."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.losses.binary_crossentropy import binary_crossentropy
from lab.models.blocks import Blocks
from lab.vision.centernet import CenterNet, Targets, at_cells
from lab.vision.detector import Detector
from lab.vision.mask_head import masks_in_boxes, roi_align_each


class MaskCenterNet(Detector):
    """A detector of objects and their masks: `CenterNet`, with masks from prototypes.

    The network also makes P prototype maps as large as the picture, and at each cell P
    coefficients for the object whose centre is there (Bolya et al. 2019, YOLACT, eq. 1):

        mask = sigmoid(sum_p coefficient_p prototype_p)

    In training the sum is read within the true box, in decoding within the found one, in a grid of
    `size` x `size` cells by RoIAlign (He et al. 2017). So each object counts alike, and all weights
    are those of one network with one output, which `lab.supervised.Training` trains:

        detector = MaskCenterNet(backbone, 10, seed=0)
        training = Training(detector.network, recipe, loss=detector.loss, metrics=[], ...)
        training.fit(images, detector.with_masks(boxes, labels, instances))

    Differences from YOLACT: CenterNet in place of anchors; RoIAlign in place of a crop;
    prototypes by a sub-pixel convolution (Shi et al. 2016) of the pyramid's finest map.

    Args:
        backbone, classes, strides, channels: as of `CenterNet`.
        prototypes: number of maps, P.
        size: cells on a side of a mask, in its box.
        seed: of the initial weights of pyramid and heads.
    """

    def __init__(
        self,
        backbone: keras.Model,
        classes: int,
        *,
        strides: tuple[int, ...] = (4, 8, 16),
        channels: int = 64,
        prototypes: int = 8,
        size: int = 28,
        seed: int,
    ) -> None:
        picture = backbone.inputs[0].shape[1:3]
        self.configure(picture=picture, classes=classes, stride=strides[0], prototypes=prototypes, size=size)
        for_boxes, for_masks = map(int, np.random.SeedSequence(seed).generate_state(2))
        self.centernet = CenterNet(backbone, classes, strides=strides, channels=channels, seed=for_boxes)
        blocks = Blocks(for_masks)
        outputs = [self.centernet.network.output]
        for name, numbers, activation in (
            ("coefficient", prototypes, "tanh"),
            ("prototype", prototypes * strides[0] ** 2, "relu"),
        ):
            blocks.begin(name)
            last = keras.layers.Conv2D(
                numbers,
                1,
                activation=activation,
                kernel_initializer=keras.initializers.GlorotUniform(blocks.seed()),
                dtype="float32",
                name=blocks.name("conv"),
            )
            outputs.append(last(blocks.unit(self.centernet.maps, channels)))
        joined = keras.layers.Concatenate(name="outputs_and_masks", dtype="float32")(outputs)
        self.network = keras.Model(backbone.inputs[0], joined, name="mask_centernet")

    def configure(self, *, picture: Sequence[int], classes: int, stride: int, prototypes: int, size: int) -> None:
        """See `Detector`."""
        self.centernet = CenterNet.of_settings({"size": picture, "classes": classes, "stride": stride})
        self.classes = self.centernet.classes
        self.prototypes = validation.integer("prototypes", prototypes)
        self.size = validation.integer("size", size)
        mine = {"stride": stride, "prototypes": prototypes, "size": size}
        self.settings = {"picture": list(picture), "classes": classes} | mine

    def assign(self, objects: Tensor, outputs: Tensor | None = None) -> Targets:
        """CenterNet's targets of objects `[B, M, 5]`."""
        return self.centernet.assign(objects)

    def with_masks(self, boxes: np.ndarray, labels: np.ndarray, instances: np.ndarray) -> np.ndarray:
        """The targets of pictures, float32 `[N, M, 5 + size^2]`.

        Each object has its box, its class and its mask within the box.

        Args:
            boxes: in pixels, `[N, M, 4]`.
            labels: `[N, M]`, -1 for none.
            instances: integers `[N, H, W]`: 0 background, i + 1 where object i is seen.
        """
        return masks_in_boxes(boxes, labels, instances, self.size, classes=self.classes)

    def loss(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """CenterNet's loss + the cross-entropy of the masks, a mean over cells and objects.

        Args:
            y_true: of `with_masks`.
            y_pred: outputs of the network.
        """
        objects, masks = y_true[..., :5], y_true[..., 5:]
        targets = self.assign(objects)
        logits = ops.reshape(self.mask_logits(y_pred, targets.cells, objects[..., :4]), (-1, *masks.shape[1:]))
        wrong = ops.mean(binary_crossentropy(masks, logits), axis=-1) * targets.there
        of_masks = ops.sum(wrong) / ops.maximum(ops.sum(targets.there), 1)
        return self.centernet.loss(objects, y_pred[..., : self.centernet.classes + 4]) + of_masks

    def decode(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(boxes `[B, K, 4]`, scores `[B, K]`, labels int `[B, K]`, masks `[B, K, size, size]`).

        By falling score. Boxes are in pixels; masks are probabilities, which `paste_masks` puts
        into a picture.

        Args:
            outputs: of the network.
        """
        cells, scores, labels = self.centernet.peaks(outputs)
        boxes = self.centernet.boxes(outputs, cells)
        return boxes, scores, labels, ops.sigmoid(self.mask_logits(outputs, cells, boxes))

    def mask_logits(self, outputs: Tensor, cells: Tensor, boxes: Tensor) -> Tensor:
        """Logits `[B, K, size, size]` of objects with centres in cells `[B, K]`, in their boxes."""
        first = self.centernet.classes + 4
        coefficients = at_cells(outputs[..., first : first + self.prototypes], cells)  # [B, K, P]
        (height, width), stride = self.centernet.shape, self.centernet.stride
        maps = ops.reshape(outputs[..., first + self.prototypes :], (-1, height, width, stride, stride, self.prototypes))
        maps = ops.reshape(ops.transpose(maps, (0, 1, 3, 2, 4, 5)), (-1, height * stride, width * stride, self.prototypes))
        return roi_align_each(ops.einsum("bkp,bhwp->bkhw", coefficients, maps), boxes, self.size, 1)
