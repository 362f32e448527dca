"""How a supervised network is trained, as one frozen configuration."""

from dataclasses import dataclass
from typing import Annotated, Literal

from lab import validation
from lab.engine.precision import Precision
from lab.validation import Interval


@dataclass(frozen=True)
class Recipe:
    """Settings of supervised training. An experiment's Config may inherit them."""

    epochs: Annotated[int, Interval(1, 10**6)] = 30
    """Passes over the training examples."""
    batch_size: Annotated[int, Interval(1, 10**6)] = 64
    """Examples per update. The last examples of an epoch that fill no batch are dropped."""
    optimizer: Literal["sgd", "adam", "rmsprop"] = "adam"
    """SGD has Nesterov momentum of 0.9. Adam and RMSprop are the lab's with their defaults."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 2e-3
    """The highest learning rate."""
    warm_up: Annotated[float, Interval(0, 10**6)] = 1.0
    """Epochs in which the learning rate rises from 0 (Goyal et al. 2017)."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """The learning rate afterwards. cosine: it falls to 0 (Loshchilov and Hutter 2017)."""
    weight_decay: Annotated[float, Interval(0, 1000)] = 0.0
    """Each update multiplies the weights by 1 - learning rate x weight decay. Biases and
    normalisation are spared. Decoupled (Loshchilov and Hutter 2019)."""
    clip_norm: Annotated[float, Interval(0, 1e12)] = 0.0
    """Greatest norm of the gradient of all weights (Pascanu et al. 2013). 0 does not clip."""
    label_smoothing: Annotated[float, Interval(0, 1)] = 0.0
    """Share of each label that is spread over all classes (Szegedy et al. 2016, section 7)."""
    mixup: Annotated[float, Interval(0, 1000)] = 0.0
    """alpha of mixup: each example becomes a mixture of two, in the proportion
    Beta(alpha, alpha) (Zhang et al. 2018). 0 does not mix."""
    cutmix: Annotated[float, Interval(0, 1000)] = 0.0
    """alpha of CutMix: each image gets a rectangle of another one (Yun et al. 2019). 0 does not
    cut. With mixup and CutMix, each batch takes one of them at random."""
    shift: Annotated[int, Interval(0, 2_048)] = 0
    """Greatest shift of a training image in pixels, in each direction."""
    flip: bool = False
    """Whether half of the training images are mirrored."""
    rotation: Annotated[float, Interval(0, 180)] = 0.0
    """Greatest rotation of a training image in degrees, to either side."""
    ema: Annotated[float, Interval(0, 0.99999)] = 0.0
    """Decay of the moving average of the weights, which is evaluated. 0: no average."""
    patience: Annotated[int, Interval(0, 10**6)] = 0
    """Training ends after so many epochs without a lower validation loss, and the best weights
    are restored. 0 trains to the end."""
    precision: Precision = "float32"
    """Numbers that convolutions and dense layers compute with. Losses, normalisations, recurrent
    layers and weights stay float32. auto: mixed_bfloat16 where it is fast, on TensorFlow with
    AMX-BF16 or with a GPU; see `lab.models.set_precision`."""

    def __post_init__(self) -> None:
        validation.check_fields(self)
        validation.require(self.warm_up <= self.epochs, "warm_up", f"at most epochs, {self.epochs}", self.warm_up)
