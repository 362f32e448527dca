"""How a supervised network is trained, as one frozen configuration."""

from dataclasses import dataclass
from typing import Annotated, Literal

from lab import validation
from lab.validation import Interval


@dataclass(frozen=True)
class Recipe:
    """Settings of supervised training; an experiment's Config may inherit them."""

    epochs: Annotated[int, Interval(1, 10**6)] = 30
    """Passes over the training examples."""
    batch_size: Annotated[int, Interval(1, 10**6)] = 64
    """Examples per update; what is left of an epoch is dropped."""
    optimizer: Literal["sgd", "adam", "rmsprop"] = "adam"
    """SGD has momentum 0.9 in Nesterov's form; Adam and RMSprop are the lab's with their usual settings."""
    learning_rate: Annotated[float, Interval(over=0, high=1e6)] = 2e-3
    """The highest step size."""
    warm_up: Annotated[float, Interval(0, 10**6)] = 1.0
    """Epochs in which the step size rises from 0 (Goyal et al. 2017)."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """What it does afterwards: fall to 0 along a cosine (Loshchilov and Hutter 2017), or stay."""
    weight_decay: Annotated[float, Interval(0, 1000)] = 0.0
    """Share of the weights lost per update and step size, biases and normalisation apart; decoupled (Loshchilov and Hutter 2019)."""
    clip_norm: Annotated[float, Interval(0, 1e12)] = 0.0
    """Greatest norm of the gradient of all weights together (Pascanu et al. 2013); 0 does not clip."""
    label_smoothing: Annotated[float, Interval(0, 1)] = 0.0
    """Share of each label that is spread over all classes (Szegedy et al. 2016, section 7)."""
    mixup: Annotated[float, Interval(0, 1000)] = 0.0
    """alpha of mixup: two examples in a Beta(alpha, alpha) mixture (Zhang et al. 2018); 0 does not mix."""
    cutmix: Annotated[float, Interval(0, 1000)] = 0.0
    """alpha of CutMix: a rectangle of another image (Yun et al. 2019); 0 does not cut. With both, each batch takes one of them."""
    shift: Annotated[int, Interval(0, 2_048)] = 0
    """Pixels by which training images are shifted at most, in each direction."""
    flip: bool = False
    """Whether half of the training images are mirrored."""
    rotation: Annotated[float, Interval(0, 180)] = 0.0
    """Degrees by which training images are turned at most, to either side."""
    ema: Annotated[float, Interval(0, 0.99999)] = 0.0
    """Decay of the moving average of the weights that is evaluated; 0 evaluates the weights."""
    patience: Annotated[int, Interval(0, 10**6)] = 0
    """Epochs without a lower validation loss after which training ends and the best weights come back; 0 trains to the end."""

    def __post_init__(self):
        validation.check_fields(self)
        validation.require(self.warm_up <= self.epochs, "warm_up", f"at most epochs, {self.epochs}", self.warm_up)
