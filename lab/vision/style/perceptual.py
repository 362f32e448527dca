"""The losses of networks that style pictures in one pass."""

import numpy as np
from keras import ops

from lab import validation
from lab.engine.types import Tensor
from lab.vision.style.features import Features
from lab.vision.style.losses import content_loss, gram_matrix, style_loss, total_variation


class PerceptualLoss:
    """How far a network's pictures are from a content and a style (Johnson et al. 2016, eq. 5).

        content_loss + ratio · style_loss + variation · total_variation

    A function of (contents, pictures), both `[B, H, W, 3]` from -1 to 1, as `Training` and
    `keras.Model.compile` take it. A network that is trained with it needs one pass for a picture in
    this style.

    Args:
        features: calibrated ones, see `Features.calibrated`.
        style: `[H', W', 3]` from -1 to 1.
        ratio: of style to content, > 0.
        variation: weight of total variation.
    """

    __name__ = "perceptual_loss"

    def __init__(self, features: Features, style: np.ndarray, *, ratio: float = 10.0, variation: float = 0.0) -> None:
        self.features = features
        self.ratio = validation.Interval(over=0, high=1e9).check("ratio", ratio)
        self.variation = validation.NOT_NEGATIVE.check("variation", variation)
        maps = features.maps(np.asarray(style, "float32")[None])
        self.targets = [ops.convert_to_numpy(gram_matrix(maps[place]))[0] for place in features.style]

    def parts(self, contents: Tensor, pictures: Tensor) -> dict[str, Tensor]:
        """The losses "content" and "style", means over the batch."""
        maps, wanted = self.features.maps(pictures), self.features.maps(contents)
        places = self.features.content
        return {
            "content": content_loss([maps[place] for place in places], [wanted[place] for place in places]),
            "style": style_loss([gram_matrix(maps[place]) for place in self.features.style], self.targets),
        }

    def __call__(self, contents: Tensor, pictures: Tensor) -> Tensor:
        """The loss."""
        found = self.parts(contents, pictures)
        loss = found["content"] + self.ratio * found["style"]
        return loss + self.variation * total_variation(pictures) if self.variation else loss
